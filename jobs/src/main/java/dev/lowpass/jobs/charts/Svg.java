package dev.lowpass.jobs.charts;

import java.util.Locale;

/** SVG being written. */
public final class Svg {
  private final StringBuilder text = new StringBuilder();

  /**
   * An image.
   *
   * @param title what it shows, for those who do not see it and for whoever points at it
   */
  Svg(int width, int height, String title) {
    add(
        "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\"><title>%s</title>",
        width, height, escape(title), escape(title));
  }

  void add(String format, Object... arguments) {
    text.append(String.format(Locale.ROOT, format, arguments)).append('\n');
  }

  /** Adds a text; {@code anchor} is start, middle or end. */
  void label(String style, double x, double y, String anchor, String words) {
    add(
        "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>",
        style, x, y, anchor, escape(words));
  }

  /** The finished image. */
  String end() {
    return text + "</svg>\n";
  }

  /** Text as it stands in HTML and XML, attributes included. */
  public static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;")
        .replace("'", "&#39;");
  }
}
