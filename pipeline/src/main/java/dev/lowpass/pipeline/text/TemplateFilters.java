package dev.lowpass.pipeline.text;

import dev.lowpass.pipeline.text.TemplateValues.Undefined;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** The filters that templates may use, by name. */
final class TemplateFilters {
  /** A filter: its value, its arguments, and what else it may need of the running template. */
  private interface Filter {
    Object apply(TemplateEvaluator template, Object value, TemplateArguments arguments);
  }

  private static final Map<String, Filter> FILTERS = new HashMap<>();

  static {
    FILTERS.put("trim", TemplateFilters::trim);
    FILTERS.put("upper", text("upper", TemplateText::upper));
    FILTERS.put("lower", text("lower", TemplateText::lower));
    FILTERS.put("title", text("title", TemplateFilters::title));
    FILTERS.put("capitalize", text("capitalize", TemplateText::capitalize));
    // Nothing is escaped for HTML, so that everything is safe.
    FILTERS.put("safe", text("safe", value -> value));
    FILTERS.put("string", text("string", value -> value));
    FILTERS.put("replace", TemplateFilters::replace);
    FILTERS.put("indent", TemplateFilters::indent);
    FILTERS.put(
        "tojson",
        (template, value, arguments) -> TemplateJson.write(value, arguments, template.budget()));
    FILTERS.put("length", (template, value, arguments) -> template.values().length(value));
    FILTERS.put("count", FILTERS.get("length"));
    FILTERS.put("default", TemplateFilters::orDefault);
    FILTERS.put("d", FILTERS.get("default"));
    FILTERS.put("int", TemplateFilters::integer);
    FILTERS.put("float", TemplateFilters::real);
    FILTERS.put("abs", TemplateFilters::absolute);
    FILTERS.put("round", TemplateFilters::round);
    FILTERS.put("list", (template, value, arguments) -> copy(template, value));
    FILTERS.put("items", TemplateFilters::items);
    FILTERS.put("dictsort", TemplateFilters::sortedItems);
    FILTERS.put("first", (template, value, arguments) -> at(template, value, true));
    FILTERS.put("last", (template, value, arguments) -> at(template, value, false));
    FILTERS.put("join", TemplateFilters::join);
    FILTERS.put("reverse", TemplateFilters::reverse);
    FILTERS.put("sort", TemplateFilters::sort);
    FILTERS.put("unique", TemplateFilters::unique);
    FILTERS.put("sum", TemplateFilters::sum);
    FILTERS.put("min", (template, value, arguments) -> extreme(template, value, -1));
    FILTERS.put("max", (template, value, arguments) -> extreme(template, value, 1));
    FILTERS.put("map", TemplateFilters::map);
    FILTERS.put("attr", TemplateFilters::attribute);
    FILTERS.put("select", (t, value, arguments) -> choose(t, "select", value, arguments));
    FILTERS.put("reject", (t, value, arguments) -> choose(t, "reject", value, arguments));
    FILTERS.put("selectattr", (t, value, arguments) -> choose(t, "selectattr", value, arguments));
    FILTERS.put("rejectattr", (t, value, arguments) -> choose(t, "rejectattr", value, arguments));
  }

  private TemplateFilters() {}

  static boolean exists(String name) {
    return FILTERS.containsKey(name);
  }

  static Object apply(
      TemplateEvaluator template, String name, Object value, TemplateArguments arguments) {
    if (value instanceof String text) {
      template.budget().charge(text.length());
    }
    Filter filter = FILTERS.get(name);
    if (filter == null) {
      throw new TemplateFault("the filter '" + name + "' is not supported");
    }
    return filter.apply(template, value, arguments);
  }

  private interface TextFilter {
    String apply(String text);
  }

  /** A filter without arguments that turns its value into text first. */
  private static Filter text(String name, TextFilter filter) {
    return (template, value, arguments) -> {
      arguments.accept(name);
      return filter.apply(template.values().str(value));
    };
  }

  private static Object trim(TemplateEvaluator template, Object value, TemplateArguments args) {
    String characters = args.accept("trim", "chars").text("trim", 0, "chars", null);
    return TemplateText.strip(template.values().str(value), characters, true, true);
  }

  /** Unlike {@code str.title}, only blanks, hyphens and opening brackets begin a word. */
  private static String title(String text) {
    StringBuilder title = new StringBuilder();
    boolean begins = true;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      boolean separator = TemplateText.isSpace(c) || "-({[<".indexOf(c) >= 0;
      String one = Character.toString(c);
      title.append(begins && !separator ? TemplateText.upper(one) : TemplateText.lower(one));
      begins = separator;
      i += Character.charCount(c);
    }
    return title.toString();
  }

  private static Object replace(TemplateEvaluator template, Object value, TemplateArguments args) {
    args.accept("replace", "old", "new", "count");
    TemplateValues values = template.values();
    Object count = args.get(2, "count", null);
    return TemplateMethods.replace(
        template.budget(),
        values.str(value),
        values.str(args.require("replace", 0, "old")),
        values.str(args.require("replace", 1, "new")),
        count == null ? -1 : args.integer("replace", 2, "count", -1));
  }

  private static Object indent(TemplateEvaluator template, Object value, TemplateArguments args) {
    args.accept("indent", "width", "first", "blank");
    String prefix =
        args.get(0, "width", 4L) instanceof String text
            ? text
            : " ".repeat((int) Math.max(0, Math.min(100, args.integer("indent", 0, "width", 4))));
    boolean first = args.flag(1, "first", false);
    boolean blank = args.flag(2, "blank", false);
    TemplateBudget.Writer out = template.budget().writer();
    String[] lines = template.values().str(value).split("\n", -1);
    for (int i = 0; i < lines.length; i++) {
      out.append(i == 0 ? "" : "\n");
      if (i == 0 ? first : blank || !lines[i].isEmpty()) {
        out.append(prefix);
      }
      out.append(lines[i]);
    }
    return out.toString();
  }

  private static Object orDefault(
      TemplateEvaluator template, Object value, TemplateArguments args) {
    args.accept("default", "default_value", "boolean");
    boolean replaced =
        value instanceof Undefined
            || (args.flag(1, "boolean", false) && !TemplateValues.truth(value));
    return replaced ? args.get(0, "default_value", "") : value;
  }

  private static Object integer(TemplateEvaluator template, Object value, TemplateArguments args) {
    Object fallback = args.accept("int", "default").get(0, "default", 0L);
    Object number = TemplateValues.number(value);
    if (number instanceof Long) {
      return number;
    }
    Object real = number;
    if (value instanceof String text) {
      try {
        return Long.parseLong(TemplateText.strip(text).replace("_", ""));
      } catch (NumberFormatException e) {
        real = parse(text);
      }
    }
    return real instanceof Double d && Math.abs(d) < Long.MAX_VALUE
        ? (Object) d.longValue()
        : fallback;
  }

  private static Object real(TemplateEvaluator template, Object value, TemplateArguments args) {
    Object fallback = args.accept("float", "default").get(0, "default", 0.0);
    if (TemplateValues.isNumber(value)) {
      return ((Number) TemplateValues.number(value)).doubleValue();
    }
    Double parsed = value instanceof String text ? parse(text) : null;
    return parsed == null ? fallback : parsed;
  }

  private static Double parse(String text) {
    String number = TemplateText.strip(text);
    // Java reads suffixes and hexadecimal numbers that Python does not.
    return number.matches("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?")
        ? Double.valueOf(number)
        : null;
  }

  private static Object absolute(TemplateEvaluator template, Object value, TemplateArguments args) {
    Object zero = value instanceof Double ? (Object) 0.0 : 0L;
    return template.values().compare("abs", value, zero) < 0
        ? template.operators().unary("-", value)
        : TemplateValues.number(value);
  }

  private static Object round(TemplateEvaluator template, Object value, TemplateArguments args) {
    args.accept("round", "precision", "method");
    int precision = (int) Math.max(-20, Math.min(20, args.integer("round", 0, "precision", 0)));
    RoundingMode mode =
        switch (String.valueOf(args.get(1, "method", "common"))) {
          case "common" -> RoundingMode.HALF_EVEN;
          case "ceil" -> RoundingMode.CEILING;
          case "floor" -> RoundingMode.FLOOR;
          default -> throw new TemplateFault("round needs 'common', 'ceil' or 'floor'");
        };
    if (!TemplateValues.isNumber(value)) {
      throw new TemplateFault("a " + TemplateValues.typeName(value) + " cannot be rounded");
    }
    Object number = TemplateValues.number(value);
    BigDecimal rounded = new BigDecimal(number.toString()).setScale(precision, mode);
    return number instanceof Long && mode == RoundingMode.HALF_EVEN
        ? (Object) rounded.longValue()
        : rounded.doubleValue();
  }

  private static List<Object> copy(TemplateEvaluator template, Object value) {
    List<?> items = template.values().iterate(value);
    template.budget().charge(items.size());
    return new ArrayList<>(items);
  }

  private static Object items(TemplateEvaluator template, Object value, TemplateArguments args) {
    if (value instanceof Undefined) {
      return List.of();
    }
    if (value instanceof Map<?, ?> map) {
      return TemplateMethods.items(map);
    }
    throw new TemplateFault("items needs a dict, not a " + TemplateValues.typeName(value));
  }

  private static Object sortedItems(
      TemplateEvaluator template, Object value, TemplateArguments args) {
    args.accept("dictsort", "case_sensitive", "by", "reverse");
    if (!(value instanceof Map<?, ?> map)) {
      throw new TemplateFault("dictsort needs a dict, not a " + TemplateValues.typeName(value));
    }
    int part = "value".equals(args.get(1, "by", "key")) ? 1 : 0;
    List<Object> sorted = TemplateMethods.items(map);
    sorted.sort(
        order(
            template,
            args.flag(0, "case_sensitive", false),
            args.flag(2, "reverse", false),
            pair -> ((List<?>) pair).get(part)));
    return sorted;
  }

  private static Object at(TemplateEvaluator template, Object value, boolean first) {
    List<?> items = template.values().iterate(value);
    if (items.isEmpty()) {
      return new Undefined("the " + (first ? "first" : "last") + " item of nothing");
    }
    return items.get(first ? 0 : items.size() - 1);
  }

  private static Object join(TemplateEvaluator template, Object value, TemplateArguments args) {
    args.accept("join", "d", "attribute");
    String separator = template.values().str(args.get(0, "d", ""));
    Object attribute = args.get(1, "attribute", null);
    TemplateBudget.Writer out = template.budget().writer();
    boolean first = true;
    for (Object item : template.values().iterate(value)) {
      out.append(first ? "" : separator);
      first = false;
      Object part = attribute == null ? item : path(template, item, attribute);
      out.append(template.values().str(part));
    }
    return out.toString();
  }

  private static Object reverse(TemplateEvaluator template, Object value, TemplateArguments args) {
    args.accept("reverse");
    if (value instanceof String text) {
      return new StringBuilder(text).reverse().toString();
    }
    List<Object> items = copy(template, value);
    Collections.reverse(items);
    return items;
  }

  private static Object sort(TemplateEvaluator template, Object value, TemplateArguments args) {
    args.accept("sort", "reverse", "case_sensitive", "attribute");
    Object attribute = args.get(2, "attribute", null);
    List<Object> items = copy(template, value);
    items.sort(
        order(
            template,
            args.flag(1, "case_sensitive", false),
            args.flag(0, "reverse", false),
            item -> attribute == null ? item : path(template, item, attribute)));
    return items;
  }

  private interface Key {
    Object of(Object item);
  }

  private static Comparator<Object> order(
      TemplateEvaluator template, boolean caseSensitive, boolean reverse, Key key) {
    Comparator<Object> order =
        (left, right) ->
            template
                .values()
                .compare(
                    "<", fold(key.of(left), caseSensitive), fold(key.of(right), caseSensitive));
    return reverse ? order.reversed() : order;
  }

  private static Object fold(Object value, boolean caseSensitive) {
    return !caseSensitive && value instanceof String text ? TemplateText.lower(text) : value;
  }

  private static Object unique(TemplateEvaluator template, Object value, TemplateArguments args) {
    args.accept("unique", "case_sensitive", "attribute");
    boolean caseSensitive = args.flag(0, "case_sensitive", false);
    Object attribute = args.get(1, "attribute", null);
    List<Object> seen = new ArrayList<>();
    List<Object> kept = new ArrayList<>();
    for (Object item : template.values().iterate(value)) {
      Object key = fold(attribute == null ? item : path(template, item, attribute), caseSensitive);
      if (!template.values().contains(seen, key)) {
        seen.add(key);
        kept.add(item);
      }
    }
    return kept;
  }

  private static Object sum(TemplateEvaluator template, Object value, TemplateArguments args) {
    args.accept("sum", "attribute", "start");
    Object attribute = args.get(0, "attribute", null);
    Object sum = args.get(1, "start", 0L);
    for (Object item : template.values().iterate(value)) {
      Object part = attribute == null ? item : path(template, item, attribute);
      sum = template.operators().binary("+", sum, part);
    }
    return sum;
  }

  private static Object extreme(TemplateEvaluator template, Object value, int sign) {
    Object best = new Undefined("the extreme item of nothing");
    for (Object item : template.values().iterate(value)) {
      if (best instanceof Undefined
          || template.values().compare("<", fold(item, false), fold(best, false)) * sign > 0) {
        best = item;
      }
    }
    return best;
  }

  private static Object map(TemplateEvaluator template, Object value, TemplateArguments args) {
    List<Object> mapped = new ArrayList<>();
    boolean byAttribute = args.positional().isEmpty();
    if (byAttribute) {
      args.accept("map", "filter", "attribute", "default");
    }
    for (Object item : template.values().iterate(value)) {
      template.budget().charge(1);
      if (byAttribute) {
        Object part = path(template, item, args.require("map", 1, "attribute"));
        mapped.add(part instanceof Undefined ? args.get(2, "default", part) : part);
      } else {
        String filter = args.requireText("map", 0, "filter");
        mapped.add(apply(template, filter, item, args.after(1)));
      }
    }
    return mapped;
  }

  private static Object attribute(
      TemplateEvaluator template, Object value, TemplateArguments args) {
    return template.member(value, args.accept("attr", "name").requireText("attr", 0, "name"));
  }

  /** The {@code select} family: keeps the items, or drops them, that pass a test or are true. */
  private static Object choose(
      TemplateEvaluator template, String filter, Object value, TemplateArguments args) {
    int skipped = filter.endsWith("attr") ? 1 : 0;
    Object attribute = skipped == 1 ? args.require(filter, 0, "attribute") : null;
    Predicate<Object> test = TemplateValues::truth;
    if (args.positional().size() > skipped) {
      String name = args.requireText(filter, skipped, "test");
      TemplateArguments rest = args.after(skipped + 1);
      test = item -> TemplateTests.test(template, name, item, rest);
    }
    boolean keep = filter.startsWith("select");
    List<Object> chosen = new ArrayList<>();
    for (Object item : template.values().iterate(value)) {
      template.budget().charge(1);
      if (test.test(attribute == null ? item : path(template, item, attribute)) == keep) {
        chosen.add(item);
      }
    }
    return chosen;
  }

  /** The member of an item that a path such as {@code function.name} or an index leads to. */
  private static Object path(TemplateEvaluator template, Object item, Object path) {
    if (!(path instanceof String text)) {
      return template.item(item, path);
    }
    Object value = item;
    for (String part : text.split("\\.", -1)) {
      value = template.item(value, part.matches("\\d{1,9}") ? (Object) Long.valueOf(part) : part);
    }
    return value;
  }
}
