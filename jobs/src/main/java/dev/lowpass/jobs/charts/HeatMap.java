package dev.lowpass.jobs.charts;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Scores in percent over two dimensions: a cell's colour from dark (0) to bright (100), on a ramp
 * whose lightness rises evenly, and its number.
 */
public final class HeatMap {
  private static final int WIDTH = 360;
  private static final int LEFT = 58;
  private static final int TOP = 34;
  private static final int BOTTOM = 44;
  private static final int RIGHT = 6;
  private static final int CELL_HEIGHT = 22;

  private static final Ramp RAMP =
      new Ramp(
          new int[] {0x44, 0x01, 0x54},
          new int[] {0x3b, 0x52, 0x8b},
          new int[] {0x21, 0x91, 0x8c},
          new int[] {0x5e, 0xc9, 0x62},
          new int[] {0xfd, 0xe7, 0x25});

  private HeatMap() {}

  /** A cell's place. */
  public record Cell(int column, int row) {}

  /**
   * The plot.
   *
   * @param columns values along x, ascending
   * @param rows values along y, downwards
   * @param scores in percent, of those cells that there is one of
   */
  public static String svg(
      String title,
      String xName,
      String yName,
      List<Integer> columns,
      List<Integer> rows,
      Map<Cell, Double> scores) {
    int height = TOP + rows.size() * CELL_HEIGHT + BOTTOM;
    double width = (double) (WIDTH - LEFT - RIGHT) / columns.size();
    Svg svg = new Svg(WIDTH, height, title);
    svg.label("chart-title", LEFT, 18, "start", title);
    for (int r = 0; r < rows.size(); r++) {
      double y = TOP + r * CELL_HEIGHT;
      svg.label("tick", LEFT - 5, y + CELL_HEIGHT / 2.0 + 4, "end", rows.get(r) + "%");
      for (int c = 0; c < columns.size(); c++) {
        cell(svg, LEFT + c * width, y, width, scores.get(new Cell(columns.get(c), rows.get(r))));
      }
    }
    int bottom = TOP + rows.size() * CELL_HEIGHT;
    for (int c = 0; c < columns.size(); c++) {
      String name = String.format(Locale.ROOT, "%,d", columns.get(c));
      svg.label("tick", LEFT + (c + 0.5) * width, bottom + 15, "middle", name);
    }
    svg.label("axis", LEFT + (WIDTH - LEFT - RIGHT) / 2.0, height - 8, "middle", xName);
    svg.add(
        "<text class=\"axis\" transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\">%s</text>",
        TOP + rows.size() * CELL_HEIGHT / 2, Svg.escape(yName));
    return svg.end();
  }

  private static void cell(Svg svg, double x, double y, double width, Double score) {
    if (score == null) {
      svg.add(
          "<rect class=\"missing\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>",
          x + 0.5, y + 0.5, width - 1, CELL_HEIGHT - 1);
      svg.label("tick", x + width / 2, y + CELL_HEIGHT / 2.0 + 4, "middle", "–");
      return;
    }
    svg.add(
        "<rect fill=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>",
        RAMP.at(score / 100), x + 0.5, y + 0.5, width - 1, CELL_HEIGHT - 1);
    svg.label(
        score < 45 ? "cell on-dark" : "cell on-bright",
        x + width / 2,
        y + CELL_HEIGHT / 2.0 + 4,
        "middle",
        String.format(Locale.ROOT, "%.0f", score));
  }
}
