package dev.lowpass.pipeline.text;

import dev.lowpass.pipeline.text.TemplateValues.Callable;
import dev.lowpass.pipeline.text.TemplateValues.Undefined;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;

/** The tests that may follow {@code is}, by name. */
final class TemplateTests {
  private interface Test {
    boolean test(TemplateEvaluator template, Object value, TemplateArguments arguments);
  }

  private static final Map<String, Test> TESTS = new HashMap<>();

  static {
    plain("defined", value -> !(value instanceof Undefined));
    plain("undefined", value -> value instanceof Undefined);
    plain("none", Objects::isNull);
    plain("string", value -> value instanceof String);
    plain("mapping", value -> value instanceof Map);
    plain("iterable", value -> isSequence(value) || value instanceof Undefined);
    plain("sequence", TemplateTests::isSequence);
    plain("number", TemplateValues::isNumber);
    plain("integer", value -> value instanceof Long);
    plain("float", value -> value instanceof Double);
    plain("boolean", value -> value instanceof Boolean);
    plain("true", Boolean.TRUE::equals);
    plain("false", Boolean.FALSE::equals);
    plain("callable", value -> value instanceof Callable);
    plain("odd", value -> remainder("odd", value, 2) == 1);
    plain("even", value -> remainder("even", value, 2) == 0);
    plain("lower", value -> isCase(value, TemplateText.lower(text("lower", value))));
    plain("upper", value -> isCase(value, TemplateText.upper(text("upper", value))));
    TESTS.put(
        "divisibleby",
        (template, value, arguments) ->
            remainder("divisibleby", value, arguments.integer("divisibleby", 0, "num", 0)) == 0);
    TESTS.put(
        "in",
        (template, value, arguments) ->
            template.values().contains(arguments.require("in", 0, "seq"), value));
    TESTS.put(
        "sameas",
        (template, value, arguments) ->
            Objects.equals(value, arguments.require("sameas", 0, "other")));
    for (String operator : List.of("==", "!=", "<", "<=", ">", ">=")) {
      TESTS.put(
          operator,
          (template, value, arguments) ->
              template.compare(operator, value, arguments.require(operator, 0, "other")));
    }
    alias("equalto", "==");
    alias("eq", "==");
    alias("ne", "!=");
    alias("lt", "<");
    alias("lessthan", "<");
    alias("le", "<=");
    alias("gt", ">");
    alias("greaterthan", ">");
    alias("ge", ">=");
  }

  private TemplateTests() {}

  private static void plain(String name, Predicate<Object> test) {
    TESTS.put(
        name,
        (template, value, arguments) -> {
          arguments.accept("the test '" + name + "'");
          return test.test(value);
        });
  }

  private static void alias(String name, String operator) {
    TESTS.put(name, TESTS.get(operator));
  }

  static boolean exists(String name) {
    return TESTS.containsKey(name);
  }

  static boolean test(
      TemplateEvaluator template, String name, Object value, TemplateArguments arguments) {
    Test test = TESTS.get(name);
    if (test == null) {
      throw new TemplateFault("the test '" + name + "' is not supported");
    }
    return test.test(template, value, arguments);
  }

  private static boolean isSequence(Object value) {
    return value instanceof String || value instanceof List || value instanceof Map;
  }

  private static String text(String test, Object value) {
    if (value instanceof String text) {
      return text;
    }
    throw new TemplateFault(
        "the test '" + test + "' needs a str, not a " + TemplateValues.typeName(value));
  }

  /** Whether a text is in the case that {@code changed} is in, and has letters at all. */
  private static boolean isCase(Object value, String changed) {
    return value.equals(changed) && ((String) value).codePoints().anyMatch(Character::isLetter);
  }

  private static long remainder(String test, Object value, long divisor) {
    if (TemplateValues.number(value) instanceof Long number && divisor != 0) {
      return Math.floorMod(number, divisor);
    }
    throw new TemplateFault("the test '" + test + "' needs ints and no zero");
  }
}
