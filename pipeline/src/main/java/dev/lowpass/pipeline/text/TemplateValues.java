package dev.lowpass.pipeline.text;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Python's values in Java: None is null, {@code int} is Long, {@code float} is Double, {@code str}
 * is String, {@code dict} is Map, {@code list} and {@code tuple} are List. Everything here behaves
 * as Python does, as far as a template can tell.
 */
final class TemplateValues {
  /** The value of a name or attribute that does not exist. */
  record Undefined(String what) {}

  /** The object that {@code namespace()} makes, whose attributes alone can be assigned. */
  record Namespace(Map<String, Object> attributes) {}

  /** Something that can be called. */
  interface Callable {
    Object call(TemplateArguments arguments);
  }

  private final TemplateBudget budget;

  TemplateValues(TemplateBudget budget) {
    this.budget = budget;
  }

  /** A caller's value as a template value; maps and lists are copied. */
  static Object of(Object value) {
    if (value == null
        || value instanceof String
        || value instanceof Boolean
        || value instanceof Long
        || value instanceof Double) {
      return value;
    }
    if (value instanceof Integer || value instanceof Short || value instanceof Byte) {
      return ((Number) value).longValue();
    }
    if (value instanceof Float) {
      return ((Float) value).doubleValue();
    }
    if (value instanceof Map<?, ?> map) {
      Map<Object, Object> copy = new LinkedHashMap<>();
      map.forEach((key, item) -> copy.put(of(key), of(item)));
      return copy;
    }
    if (value instanceof List<?> list) {
      List<Object> copy = new ArrayList<>(list.size());
      list.forEach(item -> copy.add(of(item)));
      return copy;
    }
    throw new IllegalArgumentException(
        "a template variable cannot be a " + value.getClass().getName());
  }

  /** How many characters a value holds. */
  static long characters(Object value) {
    if (value instanceof String text) {
      return text.length();
    }
    if (value instanceof Map<?, ?> map) {
      return map.values().stream().mapToLong(TemplateValues::characters).sum();
    }
    if (value instanceof List<?> list) {
      return list.stream().mapToLong(TemplateValues::characters).sum();
    }
    return 1;
  }

  static String typeName(Object value) {
    if (value == null) {
      return "NoneType";
    }
    if (value instanceof String) {
      return "str";
    }
    if (value instanceof Boolean) {
      return "bool";
    }
    if (value instanceof Long) {
      return "int";
    }
    if (value instanceof Double) {
      return "float";
    }
    if (value instanceof Map) {
      return "dict";
    }
    if (value instanceof TemplateTuple) {
      return "tuple";
    }
    if (value instanceof List) {
      return "list";
    }
    if (value instanceof Callable) {
      return "function";
    }
    return value instanceof Undefined ? "Undefined" : value.getClass().getSimpleName();
  }

  static boolean truth(Object value) {
    if (value == null || value instanceof Undefined) {
      return false;
    }
    if (value instanceof Boolean flag) {
      return flag;
    }
    if (value instanceof Number number) {
      return number.doubleValue() != 0;
    }
    if (value instanceof String text) {
      return !text.isEmpty();
    }
    if (value instanceof Map<?, ?> map) {
      return !map.isEmpty();
    }
    return !(value instanceof List<?> list) || !list.isEmpty();
  }

  /** Refuses to work with an undefined value. */
  static void requireDefined(Object value) {
    if (value instanceof Undefined undefined) {
      throw new TemplateFault(undefined.what() + " is undefined");
    }
  }

  String str(Object value) {
    if (value instanceof String text) {
      return text;
    }
    TemplateBudget.Writer out = budget.writer();
    if (!(value instanceof Undefined)) {
      repr(value, out);
    }
    return out.toString();
  }

  private void repr(Object value, TemplateBudget.Writer out) {
    if (value == null) {
      out.append("None");
    } else if (value instanceof Boolean flag) {
      out.append(flag ? "True" : "False");
    } else if (value instanceof Double number) {
      out.append(decimal(number));
    } else if (value instanceof String text) {
      quote(text, out);
    } else if (value instanceof Map<?, ?> map) {
      String separator = "{";
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        out.append(separator);
        repr(entry.getKey(), out);
        out.append(": ");
        repr(entry.getValue(), out);
        separator = ", ";
      }
      out.append(map.isEmpty() ? "{}" : "}");
    } else if (value instanceof List<?> list) {
      boolean tuple = value instanceof TemplateTuple;
      out.append(tuple ? '(' : '[');
      for (int i = 0; i < list.size(); i++) {
        out.append(i == 0 ? "" : ", ");
        repr(list.get(i), out);
      }
      out.append(tuple ? (list.size() == 1 ? ",)" : ")") : "]");
    } else if (value instanceof Undefined) {
      out.append("Undefined");
    } else if (value instanceof Long) {
      out.append(value.toString());
    } else {
      throw new TemplateFault("a " + typeName(value) + " cannot be printed");
    }
  }

  private static void quote(String text, TemplateBudget.Writer out) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    out.append(quote);
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                  if (c == quote) {
                    out.append('\\').append(quote);
                  } else if (isPrintable(c)) {
                    out.append(Character.toString(c));
                  } else if (c < 0x100) {
                    out.append(String.format("\\x%02x", c));
                  } else {
                    out.append(String.format(c < 0x10000 ? "\\u%04x" : "\\U%08x", c));
                  }
                }
              }
            });
    out.append(quote);
  }

  private static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }

  /** The shortest decimal that reads back as the same number, spelled as Python spells it. */
  static String decimal(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal exact = new BigDecimal(value);
    BigDecimal shortest = exact;
    for (int digits = 1; digits <= 17; digits++) {
      shortest = exact.round(new MathContext(digits));
      if (shortest.doubleValue() == value) {
        break;
      }
    }
    shortest = shortest.stripTrailingZeros();
    String digits = shortest.unscaledValue().abs().toString();
    int exponent = digits.length() - shortest.scale() - 1;
    String sign = value < 0 ? "-" : "";
    if (exponent < -4 || exponent >= 16) {
      String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
      return sign
          + digits.charAt(0)
          + fraction
          + String.format("e%s%02d", exponent < 0 ? "-" : "+", Math.abs(exponent));
    }
    String plain = shortest.abs().toPlainString();
    return sign + plain + (plain.contains(".") ? "" : ".0");
  }

  static boolean isNumber(Object value) {
    return value instanceof Long || value instanceof Double || value instanceof Boolean;
  }

  /** A bool as the int that it is in Python; everything else as it is. */
  static Object number(Object value) {
    return value instanceof Boolean flag ? Long.valueOf(flag ? 1 : 0) : value;
  }

  boolean equal(Object left, Object right) {
    budget.charge(1);
    if (isNumber(left) && isNumber(right)) {
      Object a = number(left);
      Object b = number(right);
      return a instanceof Long && b instanceof Long
          ? a.equals(b)
          : ((Number) a).doubleValue() == ((Number) b).doubleValue();
    }
    if (left instanceof Map<?, ?> a && right instanceof Map<?, ?> b) {
      if (a.size() != b.size()) {
        return false;
      }
      for (Map.Entry<?, ?> entry : a.entrySet()) {
        if (!b.containsKey(entry.getKey()) || !equal(entry.getValue(), b.get(entry.getKey()))) {
          return false;
        }
      }
      return true;
    }
    if (left instanceof List<?> a && right instanceof List<?> b) {
      if (a.size() != b.size() || (a instanceof TemplateTuple != b instanceof TemplateTuple)) {
        return false;
      }
      Iterator<?> others = b.iterator();
      for (Object item : a) {
        if (!equal(item, others.next())) {
          return false;
        }
      }
      return true;
    }
    if (left instanceof Undefined && right instanceof Undefined) {
      return true;
    }
    if (left instanceof String text) {
      budget.charge(text.length());
    }
    return Objects.equals(left, right);
  }

  /** Below, at or above zero as {@code left} comes before, with or after {@code right}. */
  int compare(String operator, Object left, Object right) {
    requireDefined(left);
    requireDefined(right);
    budget.charge(1);
    if (isNumber(left) && isNumber(right)) {
      Object a = number(left);
      Object b = number(right);
      return a instanceof Long x && b instanceof Long y
          ? Long.compare(x, y)
          : Double.compare(((Number) a).doubleValue(), ((Number) b).doubleValue());
    }
    if (left instanceof String a && right instanceof String b) {
      budget.charge(a.length());
      return compareCodePoints(a, b);
    }
    if (left instanceof List<?> a && right instanceof List<?> b) {
      for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
        if (!equal(a.get(i), b.get(i))) {
          return compare(operator, a.get(i), b.get(i));
        }
      }
      return Integer.compare(a.size(), b.size());
    }
    throw new TemplateFault(
        "'" + operator + "' does not work on " + typeName(left) + " and " + typeName(right));
  }

  private static int compareCodePoints(String left, String right) {
    int at = 0;
    while (at < left.length() && at < right.length()) {
      int a = left.codePointAt(at);
      int b = right.codePointAt(at);
      if (a != b) {
        return Integer.compare(a, b);
      }
      at += Character.charCount(a);
    }
    return Integer.compare(left.length(), right.length());
  }

  boolean contains(Object container, Object item) {
    if (container instanceof String text) {
      budget.charge(text.length());
      if (item instanceof String part) {
        return text.contains(part);
      }
      throw new TemplateFault("'in' needs a str on its left, not a " + typeName(item));
    }
    if (container instanceof Map<?, ?> map) {
      return map.containsKey(item);
    }
    for (Object candidate : iterate(container)) {
      if (equal(candidate, item)) {
        return true;
      }
    }
    return false;
  }

  List<?> iterate(Object value) {
    if (value instanceof Undefined) {
      return List.of();
    }
    if (value instanceof List<?> list) {
      return list;
    }
    if (value instanceof Map<?, ?> map) {
      budget.charge(map.size());
      return new ArrayList<>(map.keySet());
    }
    if (value instanceof String text) {
      budget.charge(text.length());
      return TemplateText.codePoints(text);
    }
    throw new TemplateFault("a " + typeName(value) + " cannot be looped over");
  }

  long length(Object value) {
    if (value instanceof Undefined) {
      return 0;
    }
    if (value instanceof String text) {
      budget.charge(text.length());
      return TemplateText.length(text);
    }
    if (value instanceof Map<?, ?> map) {
      return map.size();
    }
    if (value instanceof List<?> list) {
      return list.size();
    }
    throw new TemplateFault("a " + typeName(value) + " has no length");
  }
}
