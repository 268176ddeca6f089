package dev.lowpass.pipeline.text;

import java.util.List;
import java.util.Map;

/** The evaluated arguments of a call, a filter or a test. */
record TemplateArguments(List<Object> positional, Map<String, Object> named) {
  static final TemplateArguments NONE = new TemplateArguments(List.of(), Map.of());

  /** Refuses arguments beyond the given ones, which are named in their order. */
  TemplateArguments accept(String callee, String... names) {
    if (positional.size() > names.length) {
      throw new TemplateFault(
          callee + " takes at most " + names.length + " arguments, not " + positional.size());
    }
    List<String> known = List.of(names);
    for (String name : named.keySet()) {
      int index = known.indexOf(name);
      if (index < 0) {
        throw new TemplateFault(callee + " has no argument '" + name + "' here");
      }
      if (index < positional.size()) {
        throw new TemplateFault(callee + " is given its argument '" + name + "' twice");
      }
    }
    return this;
  }

  boolean has(int index, String name) {
    return index < positional.size() || named.containsKey(name);
  }

  Object get(int index, String name, Object fallback) {
    return index < positional.size() ? positional.get(index) : named.getOrDefault(name, fallback);
  }

  Object require(String callee, int index, String name) {
    if (!has(index, name)) {
      throw new TemplateFault(callee + " needs an argument '" + name + "'");
    }
    return get(index, name, null);
  }

  String text(String callee, int index, String name, String fallback) {
    Object value = get(index, name, fallback);
    if (value == null || value instanceof String) {
      return (String) value;
    }
    throw new TemplateFault(
        callee + " needs a str as '" + name + "', not a " + TemplateValues.typeName(value));
  }

  String requireText(String callee, int index, String name) {
    require(callee, index, name);
    String value = text(callee, index, name, null);
    if (value == null) {
      throw new TemplateFault(callee + " needs a str as '" + name + "', not None");
    }
    return value;
  }

  long integer(String callee, int index, String name, long fallback) {
    Object value = TemplateValues.number(get(index, name, fallback));
    if (value instanceof Long number) {
      return number;
    }
    throw new TemplateFault(
        callee + " needs an int as '" + name + "', not a " + TemplateValues.typeName(value));
  }

  boolean flag(int index, String name, boolean fallback) {
    return TemplateValues.truth(get(index, name, fallback));
  }

  /** The arguments after the first {@code count} positional ones. */
  TemplateArguments after(int count) {
    return new TemplateArguments(
        positional.subList(Math.min(count, positional.size()), positional.size()), named);
  }
}
