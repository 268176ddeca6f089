package dev.lowpass.pipeline.text;

import java.util.ArrayList;
import java.util.List;

/** Arithmetic, concatenation and slices with Python's rules. */
final class TemplateOperators {
  private final TemplateBudget budget;

  TemplateOperators(TemplateBudget budget) {
    this.budget = budget;
  }

  Object unary(String operator, Object operand) {
    TemplateValues.requireDefined(operand);
    Object number = TemplateValues.number(operand);
    boolean negative = operator.equals("-");
    if (number instanceof Long value) {
      return negative ? exact(() -> Math.negateExact(value)) : value;
    }
    if (number instanceof Double value) {
      return negative ? -value : value;
    }
    throw new TemplateFault(
        "the sign '" + operator + "' does not work on a " + TemplateValues.typeName(operand));
  }

  Object binary(String operator, Object left, Object right) {
    TemplateValues.requireDefined(left);
    TemplateValues.requireDefined(right);
    if (TemplateValues.isNumber(left) && TemplateValues.isNumber(right)) {
      return arithmetic(operator, TemplateValues.number(left), TemplateValues.number(right));
    }
    if (operator.equals("+")) {
      if (left instanceof String a && right instanceof String b) {
        return budget.writer().append(a).append(b).toString();
      }
      if (left instanceof List<?> a
          && right instanceof List<?> b
          && a instanceof TemplateTuple == b instanceof TemplateTuple) {
        budget.charge(a.size() + (long) b.size());
        List<Object> joined = new ArrayList<>(a);
        joined.addAll(b);
        return a instanceof TemplateTuple ? new TemplateTuple(joined) : joined;
      }
    }
    if (operator.equals("*")) {
      if (left instanceof Long count && (right instanceof String || right instanceof List)) {
        return repeat(right, count);
      }
      if (right instanceof Long count && (left instanceof String || left instanceof List)) {
        return repeat(left, count);
      }
    }
    if (operator.equals("%") && left instanceof String) {
      throw new TemplateFault("formatting with '%' is not supported");
    }
    throw new TemplateFault(
        "'"
            + operator
            + "' does not work on "
            + TemplateValues.typeName(left)
            + " and "
            + TemplateValues.typeName(right));
  }

  private Object repeat(Object value, long count) {
    if (value instanceof String text) {
      TemplateBudget.Writer out = budget.writer();
      for (long i = 0; i < count; i++) {
        out.append(text);
      }
      return out.toString();
    }
    List<Object> items = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      budget.charge(1 + ((List<?>) value).size());
      items.addAll((List<?>) value);
    }
    return value instanceof TemplateTuple ? new TemplateTuple(items) : items;
  }

  private static Object arithmetic(String operator, Object left, Object right) {
    if (left instanceof Long a && right instanceof Long b && !operator.equals("/")) {
      return exact(() -> integers(operator, a, b));
    }
    double a = ((Number) left).doubleValue();
    double b = ((Number) right).doubleValue();
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> a / nonZero(b);
      case "//" -> Math.floor(a / nonZero(b));
      case "%" -> modulo(a, nonZero(b));
      default -> Math.pow(a, b);
    };
  }

  private static Object integers(String operator, long a, long b) {
    switch (operator) {
      case "+":
        return Math.addExact(a, b);
      case "-":
        return Math.subtractExact(a, b);
      case "*":
        return Math.multiplyExact(a, b);
      case "//":
        nonZero(b);
        return Math.floorDiv(a, b);
      case "%":
        nonZero(b);
        return Math.floorMod(a, b);
      default:
        if (b < 0) {
          return Math.pow(a, b);
        }
        long power = 1;
        // Past 64 factors the product has overflowed, or the base is -1, 0 or 1.
        for (long i = 0; i < (b > 64 && Math.abs(a) < 2 ? 64 + b % 2 : b); i++) {
          power = Math.multiplyExact(power, a);
        }
        return power;
    }
  }

  /** Python's float modulo has the sign of the divisor. */
  private static double modulo(double a, double b) {
    double rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }

  private static double nonZero(double divisor) {
    if (divisor == 0) {
      throw new TemplateFault("division by zero");
    }
    return divisor;
  }

  private interface Exact {
    Object compute();
  }

  private static Object exact(Exact computation) {
    try {
      return computation.compute();
    } catch (ArithmeticException e) {
      throw new TemplateFault("a whole number does not fit into 64 bits");
    }
  }

  /** {@code target[start:stop:step]}; an open bound is null. */
  Object slice(Object target, Object start, Object stop, Object step) {
    TemplateValues.requireDefined(target);
    List<?> items;
    if (target instanceof String text) {
      budget.charge(text.length());
      items = TemplateText.codePoints(text);
    } else if (target instanceof List<?> list) {
      items = list;
    } else {
      throw new TemplateFault("a " + TemplateValues.typeName(target) + " cannot be sliced");
    }
    long by = bound(step, 1);
    if (by == 0) {
      throw new TemplateFault("the step of a slice cannot be zero");
    }
    int size = items.size();
    long first = by > 0 ? clamp(start, 0, size, 0) : clamp(start, -1, size - 1, size - 1);
    long last = by > 0 ? clamp(stop, 0, size, size) : clamp(stop, -1, size - 1, -1);
    List<Object> slice = new ArrayList<>();
    for (long i = first; by > 0 ? i < last : i > last; i += by) {
      slice.add(items.get((int) i));
      if (Math.abs(by) > size) {
        break;
      }
    }
    budget.charge(slice.size());
    if (target instanceof String) {
      StringBuilder text = new StringBuilder();
      slice.forEach(text::append);
      return text.toString();
    }
    return target instanceof TemplateTuple ? new TemplateTuple(slice) : slice;
  }

  /** A bound of a slice as an index between {@code low} and {@code high}. */
  private static long clamp(Object bound, int low, int high, long open) {
    if (bound == null) {
      return open;
    }
    // One above low where low is the place before the first item.
    int size = low < 0 ? high + 1 : high;
    long index = bound(bound, 0);
    return Math.max(low, Math.min(high, index < 0 ? index + size : index));
  }

  private static long bound(Object value, long open) {
    if (value == null) {
      return open;
    }
    if (TemplateValues.number(value) instanceof Long index) {
      return index;
    }
    throw new TemplateFault("a slice needs ints, not a " + TemplateValues.typeName(value));
  }
}
