package dev.lowpass.jobs.charts;

import java.util.List;
import java.util.Locale;

/** The marks of lines: shapes that differ without colour. */
public final class Marks {
  private static final int SHAPES = 5;

  private Marks() {}

  /** The path of a mark. */
  static String path(int style, double x, double y) {
    String shape =
        switch (style % SHAPES) {
          case 0 -> "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z";
          case 1 -> "m-3.2 -3.2h6.4v6.4h-6.4z";
          case 2 -> "m0 -4.4l4.2 7.4h-8.4z";
          case 3 -> "m0 -4.6l4.6 4.6l-4.6 4.6l-4.6 -4.6z";
          default -> "m0 4.4l4.2 -7.4h-8.4z";
        };
    return String.format(Locale.ROOT, "M%.1f %.1f%s", x, y, shape);
  }

  /** A legend in HTML: the names of styles 0 and up. */
  public static String legend(List<String> names) {
    StringBuilder legend = new StringBuilder("<ul class=\"legend\">\n");
    for (int style = 0; style < names.size(); style++) {
      legend.append(
          "<li><svg viewBox=\"0 0 36 12\" aria-hidden=\"true\"><path class=\"line s%d\" stroke-dasharray=\"%s\" d=\"M1 6h34\"/><path class=\"mark s%d\" d=\"%s\"/></svg>%s</li>\n"
              .formatted(
                  style % 8,
                  LineChart.dashes(style),
                  style % 8,
                  path(style, 18, 6),
                  Svg.escape(names.get(style))));
    }
    return legend.append("</ul>\n").toString();
  }
}
