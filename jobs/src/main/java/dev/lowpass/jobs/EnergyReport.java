package dev.lowpass.jobs;

import dev.lowpass.pipeline.decoder.LayerSpectrum;
import dev.lowpass.pipeline.decoder.Spectrum;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * FreqKV's premise on a model and a text: how much of its keys (before RoPE) and values low
 * frequencies hold, the mean left out.
 *
 * @param tokens of the text that were read, sinks included
 * @param sinks S, which a low-pass does not touch
 * @param retainedRatio gamma, what a compression would leave
 * @param layers the model's
 */
record EnergyReport(int tokens, int sinks, double retainedRatio, List<LayerSpectrum> layers) {
  private static final double[] FRACTIONS = {1.0 / 8, 1.0 / 4, 1.0 / 2};
  private static final List<String> NAMES = List.of("1/8", "1/4", "1/2");

  /** What counts as kept. */
  private static final double KEPT = 0.99;

  /**
   * Where a low-pass is warned of: a compression that loses a fifth of the energy. FreqKV's authors
   * and those who measured it since find some 95% in the lower half; noise would have 50% there.
   */
  private static final double LOW = 0.8;

  void print(PrintWriter out) {
    out.printf(
        "energy in the lowest frequencies along %s (%s first ones left out), without the mean:%n%n",
        Text.count(tokens, "token"), Text.number(sinks));
    TextTable table =
        new TextTable(
            "layer", "keys 1/8", "1/4", "1/2", "99% in", "values 1/8", "1/4", "1/2", "99% in");
    for (int i = 0; i < layers.size(); i++) {
      List<String> row = new ArrayList<>(List.of(String.valueOf(i)));
      for (Spectrum spectrum : List.of(layers.get(i).keys(), layers.get(i).values())) {
        for (double fraction : FRACTIONS) {
          row.add(percent(spectrum.share(entries(spectrum, fraction))));
        }
        row.add(Text.number(spectrum.entriesFor(KEPT)));
      }
      table.add(row.toArray(String[]::new));
    }
    table.print(out);
    out.println();
    out.printf(
        "99%% of every layer's energy takes a cache of %s entries (--cache-tokens N) for these %s tokens%n",
        Text.number(cacheTokens()), Text.number(tokens));
    warning().ifPresent(warning -> out.printf("warning: %s%n", warning));
  }

  /** N that keeps 99% of every layer's energy by one low-pass: the sinks and the widest band. */
  int cacheTokens() {
    return sinks
        + layers.stream()
            .flatMap(layer -> List.of(layer.keys(), layer.values()).stream())
            .mapToInt(spectrum -> spectrum.entriesFor(KEPT))
            .max()
            .orElse(0);
  }

  /** Said where a compression to gamma loses much of a layer's keys or values. */
  Optional<String> warning() {
    double[] keys = kept(LayerSpectrum::keys);
    double[] values = kept(LayerSpectrum::values);
    List<String> low =
        IntStream.range(0, layers.size())
            .filter(i -> Math.min(keys[i], values[i]) < LOW)
            .mapToObj(String::valueOf)
            .toList();
    if (low.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        "a low-pass to %s (gamma) keeps as little as %s of the keys' energy and %s of the values' (below %s in layers %s): freqkv blurs what differs from token to token; hybrid keeps the tokens exactly that a question asks about"
            .formatted(
                retainedRatio,
                percent(Arrays.stream(keys).min().orElseThrow()),
                percent(Arrays.stream(values).min().orElseThrow()),
                percent(LOW),
                String.join(", ", low)));
  }

  /** What a compression to gamma keeps of each layer. */
  private double[] kept(Function<LayerSpectrum, Spectrum> spectrum) {
    return layers.stream()
        .map(spectrum)
        .mapToDouble(energy -> energy.share(entries(energy, retainedRatio)))
        .toArray();
  }

  private static int entries(Spectrum spectrum, double fraction) {
    return (int) (fraction * spectrum.frequencies());
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f%%", 100 * share);
  }

  /** The same for programs. */
  Map<String, Object> entries() {
    Map<String, Object> entries = new LinkedHashMap<>();
    entries.put("tokens", tokens);
    entries.put("sinks", sinks);
    entries.put("cache_tokens_for_99_percent", cacheTokens());
    List<Map<String, Object>> rows = new ArrayList<>();
    for (LayerSpectrum layer : layers) {
      rows.add(Map.of("keys", entries(layer.keys()), "values", entries(layer.values())));
    }
    entries.put("layers", rows);
    entries.put("warning", warning().orElse(null));
    return entries;
  }

  private static Map<String, Object> entries(Spectrum spectrum) {
    Map<String, Object> entries = new LinkedHashMap<>();
    for (int i = 0; i < FRACTIONS.length; i++) {
      entries.put(NAMES.get(i), spectrum.share(entries(spectrum, FRACTIONS[i])));
    }
    entries.put("entries_for_99_percent", spectrum.entriesFor(KEPT));
    return entries;
  }
}
