package dev.lowpass.jobs;

import dev.lowpass.jobs.charts.Ramp;
import dev.lowpass.pipeline.decoder.LayerSpectrum;
import dev.lowpass.pipeline.decoder.Spectrum;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/**
 * Energy against share of frequencies as SVG: a panel for keys and one for values, a line a layer.
 * White noise would be the diagonal; the further above it, the better a low-pass keeps a layer.
 */
final class EnergyPlot {
  private static final int PANEL = 360;
  private static final int GAP = 76;
  private static final int LEFT = 66;
  private static final int TOP = 78;
  private static final int BOTTOM = 62;
  private static final int LEGEND = 120;
  private static final int WIDTH = LEFT + 2 * PANEL + GAP + LEGEND;
  private static final int HEIGHT = TOP + PANEL + BOTTOM;

  /** Steps along a line. */
  private static final int STEPS = 180;

  private static final int MAX_LABELS = 12;

  /** First layer to last: readable on white and on black. */
  private static final Ramp RAMP =
      new Ramp(
          new int[] {0x2f, 0x6f, 0xde},
          new int[] {0x12, 0x9c, 0x95},
          new int[] {0xd9, 0x8a, 0x12},
          new int[] {0xd6, 0x33, 0x6c});

  /** The system's colours; a renderer that knows no dark mode takes the first. */
  private static final String STYLE =
      """
      text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; font-size: 13px; fill: #1f2328; }
      .title { font-size: 16px; font-weight: 600; }
      .quiet { fill: #59636e; font-size: 12px; }
      .paper { fill: #ffffff; }
      .grid { stroke: #d8dee4; stroke-width: 1; }
      .frame { fill: none; stroke: #59636e; stroke-width: 1; }
      .noise { stroke: #59636e; stroke-width: 1; stroke-dasharray: 4 4; }
      .line { fill: none; stroke-width: 1.7; stroke-linejoin: round; }
      @media (prefers-color-scheme: dark) {
        text { fill: #e6edf3; }
        .quiet { fill: #9198a1; }
        .paper { fill: #0d1117; }
        .grid { stroke: #2a313c; }
        .frame, .noise { stroke: #9198a1; }
      }
      """;

  private final List<LayerSpectrum> layers;
  private final StringBuilder svg = new StringBuilder();

  private EnergyPlot(List<LayerSpectrum> layers) {
    this.layers = layers;
  }

  /**
   * The plot of a model's layers.
   *
   * @param title of one line
   * @param subtitle of one line
   */
  static String svg(String title, String subtitle, List<LayerSpectrum> layers) {
    return new EnergyPlot(layers).draw(title, subtitle);
  }

  private String draw(String title, String subtitle) {
    add(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">",
        WIDTH, HEIGHT, WIDTH, HEIGHT);
    add("<title>%s</title>", escape(title));
    add("<style>%n%s</style>", STYLE);
    add("<rect class=\"paper\" width=\"%d\" height=\"%d\"/>", WIDTH, HEIGHT);
    add("<text class=\"title\" x=\"%d\" y=\"26\">%s</text>", LEFT, escape(title));
    add("<text class=\"quiet\" x=\"%d\" y=\"45\">%s</text>", LEFT, escape(subtitle));
    panel(LEFT, "keys, before RoPE", LayerSpectrum::keys);
    panel(LEFT + PANEL + GAP, "values", LayerSpectrum::values);
    add(
        "<text transform=\"translate(20 %d) rotate(-90)\" text-anchor=\"middle\">energy kept</text>",
        TOP + PANEL / 2);
    legend(LEFT + 2 * PANEL + GAP + 34);
    add("</svg>");
    return svg.toString();
  }

  private void panel(int left, String name, Function<LayerSpectrum, Spectrum> spectrum) {
    int bottom = TOP + PANEL;
    add(
        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>",
        left + PANEL / 2, TOP - 10, name);
    for (int percent = 0; percent <= 100; percent += 25) {
      int y = bottom - PANEL * percent / 100;
      add("<path class=\"grid\" d=\"M%d %dh%d\"/>", left, y, PANEL);
      add(
          "<text class=\"quiet\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%d%%</text>",
          left - 8, y + 4, percent);
    }
    String[] ticks = {"0", "1/8", "1/4", "1/2", "3/4", "1"};
    double[] places = {0, 0.125, 0.25, 0.5, 0.75, 1};
    for (int i = 0; i < ticks.length; i++) {
      double x = left + PANEL * places[i];
      add("<path class=\"grid\" d=\"M%.1f %dv%d\"/>", x, TOP, PANEL);
      add(
          "<text class=\"quiet\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>",
          x, bottom + 18, ticks[i]);
    }
    add(
        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">lowest frequencies, share of all</text>",
        left + PANEL / 2, bottom + 42);
    add("<path class=\"noise\" d=\"M%d %dl%d %d\"/>", left, bottom, PANEL, -PANEL);
    for (int i = 0; i < layers.size(); i++) {
      line(left, spectrum.apply(layers.get(i)), i);
    }
    add(
        "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>",
        left, TOP, PANEL, PANEL);
  }

  private void line(int left, Spectrum spectrum, int layer) {
    StringBuilder path = new StringBuilder();
    for (int i = 0; i <= STEPS; i++) {
      double share = (double) i / STEPS;
      double kept = spectrum.share((int) Math.round(share * spectrum.frequencies()));
      path.append(
          String.format(
              Locale.ROOT,
              "%s%.1f %.1f",
              i == 0 ? "M" : " ",
              left + PANEL * share,
              TOP + PANEL * (1 - kept)));
    }
    add(
        "<path class=\"line\" stroke=\"%s\" d=\"%s\"><title>layer %d</title></path>",
        colour(layer), path, layer);
  }

  /** A column of colours with the layers' numbers, not more of them than can be read. */
  private void legend(int left) {
    int count = layers.size();
    double step = Math.min(20, (double) (PANEL - 30) / count);
    int every = (count + MAX_LABELS - 1) / MAX_LABELS;
    add("<text x=\"%d\" y=\"%d\">layer</text>", left, TOP + 4);
    for (int i = 0; i < count; i++) {
      double y = TOP + 14 + i * step;
      add(
          "<rect x=\"%d\" y=\"%.1f\" width=\"16\" height=\"%.1f\" fill=\"%s\"/>",
          left, y, Math.max(1, step - (step > 8 ? 4 : 0)), colour(i));
      if (i % every == 0 || i == count - 1 && i % every > every / 2) {
        add(
            "<text class=\"quiet\" x=\"%d\" y=\"%.1f\">%d</text>",
            left + 24, y + step / 2 + 2.5, i);
      }
    }
    double y = TOP + PANEL - 4;
    add("<path class=\"noise\" d=\"M%d %.1fh22\"/>", left, y - 4);
    add("<text class=\"quiet\" x=\"%d\" y=\"%.1f\">noise</text>", left + 28, y);
  }

  private String colour(int layer) {
    return RAMP.at(layers.size() == 1 ? 0 : (double) layer / (layers.size() - 1));
  }

  private void add(String format, Object... arguments) {
    svg.append(String.format(Locale.ROOT, format, arguments)).append('\n');
  }

  private static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
