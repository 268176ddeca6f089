package dev.lowpass.pipeline.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The methods of Python's str, dict and list that templates may call. None changes its object. */
final class TemplateMethods {
  private static final Set<String> OF_STR =
      Set.of(
          "strip",
          "lstrip",
          "rstrip",
          "split",
          "rsplit",
          "splitlines",
          "partition",
          "rpartition",
          "startswith",
          "endswith",
          "upper",
          "lower",
          "title",
          "capitalize",
          "replace",
          "join",
          "find",
          "rfind",
          "index",
          "count",
          "removeprefix",
          "removesuffix",
          "isdigit",
          "isalpha",
          "isalnum",
          "isspace",
          "isupper",
          "islower");

  private static final Set<String> OF_DICT = Set.of("get", "items", "keys", "values");

  private static final Set<String> OF_LIST = Set.of("index", "count");

  /** Methods that Python has too; calling one is refused by name. */
  private static final Set<String> REFUSED =
      Set.of(
          "append",
          "extend",
          "insert",
          "pop",
          "remove",
          "clear",
          "copy",
          "sort",
          "reverse",
          "update",
          "setdefault",
          "popitem",
          "format",
          "format_map",
          "encode",
          "zfill",
          "center",
          "ljust",
          "rjust",
          "expandtabs",
          "translate",
          "swapcase",
          "casefold",
          "istitle",
          "isnumeric",
          "isdecimal",
          "isidentifier",
          "isascii",
          "isprintable",
          "rindex");

  private TemplateMethods() {}

  static boolean exists(Object target, String name) {
    if (target instanceof String) {
      return OF_STR.contains(name);
    }
    return target instanceof Map
        ? OF_DICT.contains(name)
        : target instanceof List && OF_LIST.contains(name);
  }

  static boolean isRefused(Object target, String name) {
    return (target instanceof String || target instanceof Map || target instanceof List)
        && REFUSED.contains(name);
  }

  static Object call(
      TemplateEvaluator template, Object target, String name, TemplateArguments args) {
    if (target instanceof String text) {
      template.budget().charge(text.length());
      return ofText(template, text, name, args);
    }
    if (target instanceof Map<?, ?> map) {
      return ofMap(map, name, args);
    }
    return ofList(template, (List<?>) target, name, args);
  }

  private static Object ofMap(Map<?, ?> map, String name, TemplateArguments args) {
    if (name.equals("get")) {
      Object key = args.accept("get", "key", "default").require("get", 0, "key");
      return map.containsKey(key) ? map.get(key) : args.get(1, "default", null);
    }
    args.accept(name);
    return switch (name) {
      case "items" -> items(map);
      case "keys" -> new ArrayList<Object>(map.keySet());
      default -> new ArrayList<Object>(map.values());
    };
  }

  static List<Object> items(Map<?, ?> map) {
    List<Object> items = new ArrayList<>(map.size());
    map.forEach((key, value) -> items.add(TemplateTuple.of(key, value)));
    return items;
  }

  private static Object ofList(
      TemplateEvaluator template, List<?> list, String name, TemplateArguments args) {
    Object wanted = args.accept(name, "value").require(name, 0, "value");
    long count = 0;
    for (int i = 0; i < list.size(); i++) {
      if (template.values().equal(list.get(i), wanted)) {
        if (name.equals("index")) {
          return (long) i;
        }
        count++;
      }
    }
    if (name.equals("index")) {
      throw new TemplateFault("the list has no such item");
    }
    return count;
  }

  private static Object ofText(
      TemplateEvaluator template, String text, String name, TemplateArguments args) {
    switch (name) {
      case "strip", "lstrip", "rstrip":
        String characters = args.accept(name, "chars").text(name, 0, "chars", null);
        return TemplateText.strip(text, characters, !name.equals("rstrip"), !name.equals("lstrip"));
      case "split", "rsplit":
        return split(text, name, args);
      case "splitlines":
        return TemplateText.lines(text, args.accept(name, "keepends").flag(0, "keepends", false));
      case "partition", "rpartition":
        return partition(text, name, args);
      case "startswith", "endswith":
        return affix(text, name, args);
      case "replace":
        args.accept(name, "old", "new", "count");
        return replace(
            template.budget(),
            text,
            args.requireText(name, 0, "old"),
            args.requireText(name, 1, "new"),
            args.integer(name, 2, "count", -1));
      case "join":
        return join(template, text, args.accept(name, "iterable").require(name, 0, "iterable"));
      case "find", "rfind", "index", "count":
        return search(text, name, args.accept(name, "sub").requireText(name, 0, "sub"));
      case "removeprefix":
        String prefix = args.accept(name, "prefix").requireText(name, 0, "prefix");
        return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
      case "removesuffix":
        String suffix = args.accept(name, "suffix").requireText(name, 0, "suffix");
        return text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
      default:
        args.accept(name);
        return ofTextAlone(text, name);
    }
  }

  private static Object ofTextAlone(String text, String name) {
    boolean any = !text.isEmpty();
    return switch (name) {
      case "upper" -> TemplateText.upper(text);
      case "lower" -> TemplateText.lower(text);
      case "title" -> TemplateText.title(text);
      case "capitalize" -> TemplateText.capitalize(text);
      case "isdigit" -> any && text.codePoints().allMatch(Character::isDigit);
      case "isalpha" -> any && text.codePoints().allMatch(Character::isLetter);
      case "isalnum" -> any && text.codePoints().allMatch(Character::isLetterOrDigit);
      case "isspace" -> any && text.codePoints().allMatch(TemplateText::isSpace);
      case "isupper" ->
          text.equals(TemplateText.upper(text)) && !text.equals(TemplateText.lower(text));
      default -> text.equals(TemplateText.lower(text)) && !text.equals(TemplateText.upper(text));
    };
  }

  private static Object split(String text, String name, TemplateArguments args) {
    args.accept(name, "sep", "maxsplit");
    String separator = args.text(name, 0, "sep", null);
    long limit = args.integer(name, 1, "maxsplit", -1);
    if (separator == null) {
      if (name.equals("rsplit") && limit >= 0) {
        throw new TemplateFault("rsplit at white space with 'maxsplit' is not supported");
      }
      return TemplateText.splitAtSpace(text, limit);
    }
    if (separator.isEmpty()) {
      throw new TemplateFault(name + " needs a separator that is not empty");
    }
    return name.equals("split")
        ? TemplateText.split(text, separator, limit)
        : TemplateText.splitFromEnd(text, separator, limit);
  }

  private static Object partition(String text, String name, TemplateArguments args) {
    String separator = args.accept(name, "sep").requireText(name, 0, "sep");
    if (separator.isEmpty()) {
      throw new TemplateFault(name + " needs a separator that is not empty");
    }
    boolean first = name.equals("partition");
    int at = first ? text.indexOf(separator) : text.lastIndexOf(separator);
    if (at < 0) {
      return new TemplateTuple(first ? List.of(text, "", "") : List.of("", "", text));
    }
    return new TemplateTuple(
        List.of(text.substring(0, at), separator, text.substring(at + separator.length())));
  }

  private static boolean affix(String text, String name, TemplateArguments args) {
    Object wanted = args.accept(name, "affix").require(name, 0, "affix");
    List<?> candidates = wanted instanceof TemplateTuple tuple ? tuple : List.of(wanted);
    for (Object candidate : candidates) {
      if (!(candidate instanceof String affix)) {
        throw new TemplateFault(name + " needs a str, not a " + TemplateValues.typeName(candidate));
      }
      if (name.equals("startswith") ? text.startsWith(affix) : text.endsWith(affix)) {
        return true;
      }
    }
    return false;
  }

  private static String join(TemplateEvaluator template, String separator, Object items) {
    TemplateBudget.Writer out = template.budget().writer();
    boolean first = true;
    for (Object item : template.values().iterate(items)) {
      if (!(item instanceof String text)) {
        throw new TemplateFault("join needs strs, not a " + TemplateValues.typeName(item));
      }
      out.append(first ? "" : separator).append(text);
      first = false;
    }
    return out.toString();
  }

  private static Object search(String text, String name, String wanted) {
    if (name.equals("count")) {
      return wanted.isEmpty()
          ? TemplateText.length(text) + 1L
          : TemplateText.split(text, wanted, -1).size() - 1L;
    }
    int at = name.equals("rfind") ? text.lastIndexOf(wanted) : text.indexOf(wanted);
    if (at < 0 && name.equals("index")) {
      throw new TemplateFault("the str has no such part");
    }
    return at < 0 ? -1L : (long) text.codePointCount(0, at);
  }

  /** Replaces the first {@code limit} occurrences, or all where it is negative. */
  static String replace(
      TemplateBudget budget, String text, String old, String replacement, long limit) {
    TemplateBudget.Writer out = budget.writer();
    int from = 0;
    long replaced = 0;
    // An empty string is found before every character and at the end.
    int step = old.isEmpty() ? 1 : 0;
    int at = text.indexOf(old);
    while (at >= 0 && replaced != limit) {
      out.append(text, from, at).append(replacement);
      replaced++;
      from = at + old.length();
      if (from + step > text.length()) {
        break;
      }
      int skip = step == 0 ? 0 : Character.charCount(text.codePointAt(from));
      at = text.indexOf(old, from + skip);
    }
    return out.append(text, from, text.length()).toString();
  }
}
