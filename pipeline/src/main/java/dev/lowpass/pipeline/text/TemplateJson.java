package dev.lowpass.pipeline.text;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The {@code tojson} filter as transformers defines it: Python's {@code json.dumps}. */
final class TemplateJson {
  private final TemplateBudget.Writer out;
  private final boolean asciiOnly;
  private final boolean sortKeys;
  private final String indent;
  private final String itemSeparator;
  private final String keySeparator;

  private TemplateJson(TemplateBudget.Writer out, TemplateArguments arguments) {
    this.out = out;
    this.asciiOnly = arguments.flag(0, "ensure_ascii", false);
    this.indent = indent(arguments.get(1, "indent", null));
    this.sortKeys = arguments.flag(3, "sort_keys", false);
    Object separators = arguments.get(2, "separators", null);
    if (separators == null) {
      this.itemSeparator = indent == null ? ", " : ",";
      this.keySeparator = ": ";
    } else if (separators instanceof List<?> pair
        && pair.size() == 2
        && pair.get(0) instanceof String item
        && pair.get(1) instanceof String key) {
      this.itemSeparator = item;
      this.keySeparator = key;
    } else {
      throw new TemplateFault("tojson needs two strings as 'separators'");
    }
  }

  static String write(Object value, TemplateArguments arguments, TemplateBudget budget) {
    arguments.accept("tojson", "ensure_ascii", "indent", "separators", "sort_keys");
    TemplateBudget.Writer out = budget.writer();
    new TemplateJson(out, arguments).value(value, 0);
    return out.toString();
  }

  private static String indent(Object indent) {
    if (indent == null || indent instanceof String) {
      return (String) indent;
    }
    if (TemplateValues.number(indent) instanceof Long width && width <= 100) {
      return " ".repeat((int) Math.max(0, width));
    }
    throw new TemplateFault("tojson needs a small int as 'indent'");
  }

  private void value(Object value, int depth) {
    if (value == null) {
      out.append("null");
    } else if (value instanceof Boolean || value instanceof Long) {
      out.append(value.toString());
    } else if (value instanceof Double number) {
      out.append(number(number));
    } else if (value instanceof String text) {
      quote(text);
    } else if (value instanceof Map<?, ?> map) {
      object(map, depth);
    } else if (value instanceof List<?> list) {
      array(list, depth);
    } else {
      throw new TemplateFault("tojson cannot write a " + TemplateValues.typeName(value));
    }
  }

  private static String number(double value) {
    if (Double.isNaN(value)) {
      return "NaN";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "Infinity" : "-Infinity";
    }
    return TemplateValues.decimal(value);
  }

  private void object(Map<?, ?> map, int depth) {
    Map<?, ?> entries = sortKeys ? new TreeMap<>(map) : map;
    out.append('{');
    boolean first = true;
    for (Map.Entry<?, ?> entry : entries.entrySet()) {
      out.append(first ? "" : itemSeparator);
      first = false;
      lineBreak(depth + 1);
      quote(key(entry.getKey()));
      out.append(keySeparator);
      value(entry.getValue(), depth + 1);
    }
    if (!first) {
      lineBreak(depth);
    }
    out.append('}');
  }

  private static String key(Object key) {
    if (key instanceof String text) {
      return text;
    }
    if (key instanceof Double number) {
      return number(number);
    }
    if (key == null || key instanceof Boolean || key instanceof Long) {
      return String.valueOf(key);
    }
    throw new TemplateFault("tojson cannot write a " + TemplateValues.typeName(key) + " as a key");
  }

  private void array(List<?> list, int depth) {
    out.append('[');
    for (Iterator<?> items = list.iterator(); items.hasNext(); ) {
      lineBreak(depth + 1);
      value(items.next(), depth + 1);
      out.append(items.hasNext() ? itemSeparator : "");
    }
    if (!list.isEmpty()) {
      lineBreak(depth);
    }
    out.append(']');
  }

  private void lineBreak(int depth) {
    if (indent != null) {
      out.append('\n');
      for (int i = 0; i < depth; i++) {
        out.append(indent);
      }
    }
  }

  private void quote(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (c < 0x20 || (asciiOnly && c > 0x7e)) {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
