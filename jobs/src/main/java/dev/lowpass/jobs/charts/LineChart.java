package dev.lowpass.jobs.charts;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/** Lines over one or a few values, told apart by colour, dashes and marks. */
public final class LineChart {
  private static final int WIDTH = 360;
  private static final int HEIGHT = 250;
  private static final int LEFT = 56;
  private static final int RIGHT = 14;
  private static final int TOP = 34;
  private static final int BOTTOM = 46;
  private static final int PLOT_WIDTH = WIDTH - LEFT - RIGHT;
  private static final int PLOT_HEIGHT = HEIGHT - TOP - BOTTOM;

  /** Room inside the frame for marks at its sides. */
  private static final int INSET = 12;

  private static final String[] DASHES = {"", "7 3", "2 3", "9 3 2 3", "4 2", "12 4"};

  /**
   * A point, and the interval around its value.
   *
   * @param low {@code y} itself where nothing is known of it; {@code high} likewise
   */
  public record Point(double x, double y, double low, double high) {
    public Point(double x, double y) {
      this(x, y, y, y);
    }
  }

  private record Series(String name, int style, List<Point> points) {}

  private final String title;
  private final List<Series> lines = new ArrayList<>();
  private final List<Series> levels = new ArrayList<>();
  private final String xName;
  private final String yName;
  private DoubleFunction<String> valueFormat = value -> String.format(Locale.ROOT, "%.3g", value);
  private double atLeast;
  private boolean wholeX;

  /**
   * @param title says what it shows, in a few words
   * @param xName of the axis, with its unit
   */
  public LineChart(String title, String xName, String yName) {
    this.title = title;
    this.xName = xName;
    this.yName = yName;
  }

  /** How a point's value is written where one points at it. */
  public LineChart values(DoubleFunction<String> format) {
    valueFormat = format;
    return this;
  }

  /** The least that the upper end of the y axis is. */
  public LineChart upTo(double y) {
    atLeast = y;
    return this;
  }

  /** The x axis has whole numbers from 0, rather than a logarithmic scale. */
  public LineChart wholeX() {
    wholeX = true;
    return this;
  }

  /**
   * Adds a line.
   *
   * @param style number of its colour, dashes and mark
   * @param points in the order of their x
   */
  public LineChart line(String name, int style, List<Point> points) {
    if (!points.isEmpty()) {
      lines.add(new Series(name, style, points));
    }
    return this;
  }

  /** Adds a value that holds for any x. */
  public LineChart level(String name, int style, double y) {
    levels.add(new Series(name, style, List.of(new Point(0, y))));
    return this;
  }

  /** Whether there is nothing to draw along the x axis. */
  public boolean isEmpty() {
    return lines.isEmpty();
  }

  /** The plot. */
  public String svg() {
    Axis x =
        wholeX
            ? Axis.whole(xName, (int) values(lines).mapToDouble(Point::x).max().orElse(1))
            : Axis.ofValues(xName, values(lines).map(Point::x).toList());
    double largest =
        DoubleStream.concat(
                DoubleStream.of(atLeast),
                Stream.concat(values(lines), values(levels)).mapToDouble(Point::high))
            .max()
            .orElse(1);
    Axis y = Axis.fromZero(yName, largest);
    Svg svg = new Svg(WIDTH, HEIGHT, title);
    svg.label("chart-title", LEFT, 18, "start", title);
    drawAxes(svg, x, y);
    for (Series level : levels) {
      double at = y(y, level.points.get(0).y());
      svg.add(
          "<path class=\"line s%d\" stroke-dasharray=\"%s\" d=\"M%d %.1fh%d\"><title>%s: %s</title></path>",
          level.style % 8,
          dashes(level.style),
          LEFT,
          at,
          PLOT_WIDTH,
          Svg.escape(level.name),
          Svg.escape(valueFormat.apply(level.points.get(0).y())));
    }
    lines.forEach(line -> draw(svg, line, x, y));
    return svg.end();
  }

  private static Stream<Point> values(List<Series> series) {
    return series.stream().flatMap(line -> line.points.stream());
  }

  private void drawAxes(Svg svg, Axis x, Axis y) {
    int bottom = TOP + PLOT_HEIGHT;
    for (double tick : y.ticks()) {
      svg.add("<path class=\"grid\" d=\"M%d %.1fh%d\"/>", LEFT, y(y, tick), PLOT_WIDTH);
      svg.label("tick", LEFT - 6, y(y, tick) + 4, "end", y.format().apply(tick));
    }
    for (double tick : x.ticks()) {
      svg.add("<path class=\"grid\" d=\"M%.1f %dv%d\"/>", x(x, tick), TOP, PLOT_HEIGHT);
      svg.label("tick", x(x, tick), bottom + 16, "middle", x.format().apply(tick));
    }
    svg.add(
        "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>",
        LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT);
    svg.label("axis", LEFT + PLOT_WIDTH / 2.0, HEIGHT - 8, "middle", x.name());
    svg.add(
        "<text class=\"axis\" transform=\"translate(13 %d) rotate(-90)\" text-anchor=\"middle\">%s</text>",
        TOP + PLOT_HEIGHT / 2, Svg.escape(y.name()));
  }

  private void draw(Svg svg, Series line, Axis x, Axis y) {
    StringBuilder path = new StringBuilder();
    for (Point point : line.points) {
      path.append(
          String.format(
              Locale.ROOT,
              "%s%.1f %.1f",
              path.isEmpty() ? "M" : "L",
              x(x, point.x()),
              y(y, point.y())));
    }
    svg.add(
        "<path class=\"line s%d\" stroke-dasharray=\"%s\" d=\"%s\"/>",
        line.style % 8, dashes(line.style), path);
    for (Point point : line.points) {
      double px = x(x, point.x());
      if (point.low() < point.high()) {
        svg.add(
            "<path class=\"interval s%d\" d=\"M%.1f %.1fV%.1f\"/>",
            line.style % 8, px, y(y, point.low()), y(y, point.high()));
      }
      svg.add(
          "<path class=\"mark s%d\" d=\"%s\"><title>%s, %s: %s</title></path>",
          line.style % 8,
          Marks.path(line.style, px, y(y, point.y())),
          Svg.escape(line.name),
          Svg.escape(x.format().apply(point.x())),
          Svg.escape(valueFormat.apply(point.y())));
    }
  }

  private static double x(Axis axis, double value) {
    return LEFT + INSET + axis.place(value) * (PLOT_WIDTH - 2 * INSET);
  }

  private static double y(Axis axis, double value) {
    return TOP + PLOT_HEIGHT * (1 - axis.place(value));
  }

  static String dashes(int style) {
    return DASHES[style % DASHES.length];
  }
}
