package dev.lowpass.pipeline.text;

import dev.lowpass.pipeline.text.TemplateValues.Callable;
import dev.lowpass.pipeline.text.TemplateValues.Namespace;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The functions that every template can call. */
final class TemplateGlobals {
  /** The longest {@code range()}, as in Jinja's sandbox. */
  private static final int MAX_RANGE = 100_000;

  private TemplateGlobals() {}

  static Map<String, Object> of(TemplateBudget budget, LocalDateTime now) {
    Map<String, Object> globals = new HashMap<>();
    define(globals, "range", arguments -> range(arguments, budget));
    define(globals, "namespace", arguments -> new Namespace(entries("namespace", arguments)));
    define(globals, "dict", arguments -> entries("dict", arguments));
    define(globals, "raise_exception", TemplateGlobals::raise);
    define(
        globals,
        "strftime_now",
        arguments ->
            format(
                now,
                arguments
                    .accept("strftime_now", "format")
                    .requireText("strftime_now", 0, "format")));
    return globals;
  }

  private static void define(Map<String, Object> globals, String name, Callable function) {
    globals.put(name, function);
  }

  private static Object raise(TemplateArguments arguments) {
    throw new TemplateFault(
        "the template refuses the messages: "
            + arguments.accept("raise_exception", "message").get(0, "message", ""));
  }

  private static <V> Map<V, Object> entries(String callee, TemplateArguments arguments) {
    if (arguments.positional().size() > 1) {
      throw new TemplateFault(callee + " takes one dict and named arguments");
    }
    Map<Object, Object> entries = new LinkedHashMap<>();
    for (Object initial : arguments.positional()) {
      if (!(initial instanceof Map<?, ?> map)) {
        throw new TemplateFault(
            callee + " needs a dict, not a " + TemplateValues.typeName(initial));
      }
      entries.putAll(map);
    }
    entries.putAll(arguments.named());
    @SuppressWarnings("unchecked") // A namespace's keys are strings; a dict's may be anything.
    Map<V, Object> typed = (Map<V, Object>) entries;
    return typed;
  }

  private static Object range(TemplateArguments arguments, TemplateBudget budget) {
    arguments.accept("range", "start", "stop", "step");
    int given = arguments.positional().size();
    long start = given > 1 ? arguments.integer("range", 0, "start", 0) : 0;
    long stop = arguments.integer("range", given > 1 ? 1 : 0, "stop", 0);
    long step = arguments.integer("range", 2, "step", 1);
    if (given == 0 || step == 0) {
      throw new TemplateFault("range needs at least one number, and no step of zero");
    }
    List<Object> numbers = new ArrayList<>();
    for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
      if (numbers.size() == MAX_RANGE || Math.abs(i) > Long.MAX_VALUE / 4) {
        throw new TemplateFault("range is limited to " + MAX_RANGE + " numbers");
      }
      budget.charge(1);
      numbers.add(i);
    }
    return numbers;
  }

  /** Python's {@code strftime}, with English names. */
  private static String format(LocalDateTime now, String format) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || ++i == format.length()) {
        text.append(c);
        continue;
      }
      boolean unpadded = format.charAt(i) == '-' && i + 1 < format.length();
      char directive = format.charAt(unpadded ? ++i : i);
      String part = part(now, directive);
      text.append(unpadded && part.length() > 1 ? part.replaceFirst("^0+", "") : part);
    }
    return text.toString();
  }

  private static String part(LocalDateTime now, char directive) {
    String pattern =
        switch (directive) {
          case 'd' -> "dd";
          case 'm' -> "MM";
          case 'Y' -> "yyyy";
          case 'y' -> "yy";
          case 'B' -> "MMMM";
          case 'b' -> "MMM";
          case 'A' -> "EEEE";
          case 'a' -> "EEE";
          case 'H' -> "HH";
          case 'I' -> "hh";
          case 'M' -> "mm";
          case 'S' -> "ss";
          case 'p' -> "a";
          case 'j' -> "DDD";
          case 'F' -> "yyyy-MM-dd";
          case 'T' -> "HH:mm:ss";
          case '%' -> "'%'";
          default ->
              throw new TemplateFault("'%" + directive + "' is not supported in strftime_now");
        };
    return DateTimeFormatter.ofPattern(pattern, Locale.US).format(now);
  }
}
