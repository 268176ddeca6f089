package dev.lowpass.pipeline.evaluation.ruler;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** A JSON object as Python's {@code json.dumps} writes it by default: in ASCII, spaced. */
final class PythonJson {
  private final StringBuilder entries = new StringBuilder();

  PythonJson put(String key, int value) {
    return entry(key, Integer.toString(value));
  }

  PythonJson put(String key, String value) {
    return entry(key, quoted(value));
  }

  PythonJson put(String key, List<String> values) {
    return entry(
        key, values.stream().map(PythonJson::quoted).collect(Collectors.joining(", ", "[", "]")));
  }

  private PythonJson entry(String key, String value) {
    entries.append(entries.isEmpty() ? "" : ", ").append(quoted(key)).append(": ").append(value);
    return this;
  }

  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder(text.length() + 2).append('"');
    for (char c : text.toCharArray()) {
      switch (c) {
        case '"' -> quoted.append("\\\"");
        case '\\' -> quoted.append("\\\\");
        case '\n' -> quoted.append("\\n");
        case '\r' -> quoted.append("\\r");
        case '\t' -> quoted.append("\\t");
        case '\f' -> quoted.append("\\f");
        case '\b' -> quoted.append("\\b");
        default -> {
          if (c >= ' ' && c <= '~') {
            quoted.append(c);
          } else {
            quoted.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
          }
        }
      }
    }
    return quoted.append('"').toString();
  }

  @Override
  public String toString() {
    return "{" + entries + "}";
  }
}
