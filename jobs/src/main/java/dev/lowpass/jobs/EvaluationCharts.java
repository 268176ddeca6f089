package dev.lowpass.jobs;

import dev.lowpass.jobs.EvaluationResults.Cost;
import dev.lowpass.jobs.EvaluationResults.PolicyRun;
import dev.lowpass.jobs.EvaluationResults.Scored;
import dev.lowpass.jobs.charts.HeatMap;
import dev.lowpass.jobs.charts.LineChart;
import dev.lowpass.jobs.charts.LineChart.Point;
import dev.lowpass.pipeline.evaluation.suite.Suite;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;

/** The plots of an evaluation, each an SVG; none where there is nothing to show. */
final class EvaluationCharts {
  private static final String LENGTH = "prompt, tokens";

  /** Prompts within this share of each other count as of one length: half of a doubling. */
  private static final double LENGTHS_PER_OCTAVE = 2;

  private final EvaluationResults results;
  private final long seed;

  EvaluationCharts(EvaluationResults results, long seed) {
    this.results = results;
    this.seed = seed;
  }

  /** A plot a suite: its score against the cache's size. */
  List<String> accuracyByCacheSize() {
    List<String> plots = new ArrayList<>();
    for (Suite suite : results.suites()) {
      if (suite != Suite.PERPLEXITY) {
        plots.add(accuracyByCacheSize(suite));
      }
    }
    return plots.stream().filter(plot -> !plot.isEmpty()).toList();
  }

  private String accuracyByCacheSize(Suite suite) {
    LineChart chart =
        new LineChart(suite.id(), "cache, tokens a layer", "score, %")
            .values(EvaluationCharts::tenths)
            .upTo(100);
    for (String label : results.labels()) {
      List<Point> points = new ArrayList<>();
      for (PolicyRun policy : results.policies()) {
        if (policy.label().equals(label)) {
          SuiteScore score = SuiteScore.of(results.of(policy, item -> item.suite() == suite), seed);
          if (score.known() && !policy.bounded()) {
            chart.level(label, style(label), score.percent());
          } else if (score.known()) {
            points.add(
                new Point(
                    policy.cacheTokens(),
                    score.percent(),
                    score.interval().low(),
                    score.interval().high()));
          }
        }
      }
      chart.line(label, style(label), points);
    }
    return chart.isEmpty() ? "" : chart.svg();
  }

  /** A map a policy: the score of needles by depth and length. */
  List<String> needleMaps() {
    List<Scored> needles =
        results.items().stream()
            .filter(item -> item.suite() == Suite.NEEDLE)
            .filter(item -> item.depth() != null && item.length() != null)
            .toList();
    if (needles.isEmpty()) {
      return List.of();
    }
    List<Integer> lengths =
        List.copyOf(new TreeSet<>(needles.stream().map(Scored::length).toList()));
    List<Integer> depths = List.copyOf(new TreeSet<>(needles.stream().map(Scored::depth).toList()));
    List<String> maps = new ArrayList<>();
    for (PolicyRun policy : results.policies()) {
      Map<HeatMap.Cell, List<Double>> cells = new HashMap<>();
      for (Scored needle : needles) {
        if (needle.policy().equals(policy.name()) && needle.ok()) {
          cells
              .computeIfAbsent(
                  new HeatMap.Cell(needle.length(), needle.depth()), c -> new ArrayList<>())
              .add(100 * needle.score());
        }
      }
      Map<HeatMap.Cell, Double> means = new HashMap<>();
      cells.forEach((cell, scores) -> means.put(cell, mean(scores)));
      maps.add(HeatMap.svg(policy.name(), LENGTH, "depth", lengths, depths, means));
    }
    return maps;
  }

  /** A plot a cache size: perplexity over the text's length. */
  List<String> perplexityByLength() {
    return byCacheSize(
        "perplexity, %s",
        "text, tokens",
        "perplexity",
        policy -> {
          List<Point> points = new ArrayList<>();
          EvaluationResults.by(
                  results.of(policy, item -> item.suite() == Suite.PERPLEXITY && item.ok()),
                  Scored::length)
              .forEach(
                  (length, items) ->
                      points.add(
                          new Point(
                              length,
                              Math.exp(
                                  items.stream()
                                      .mapToDouble(Scored::loss)
                                      .average()
                                      .orElseThrow()))));
          return points;
        });
  }

  /** A plot a cache size: median time to the first token over the prompt's length. */
  List<String> firstTokenByLength() {
    return costByLength("first token, %s", "seconds", item -> item.cost().prefillMs() / 1e3);
  }

  /** A plot a cache size: median tokens a second of the answer. */
  List<String> speedByLength() {
    return costByLength("answers, %s", "tokens a second", item -> speed(item.cost()));
  }

  /** A plot a cache size: memory of a document's cache. */
  List<String> memoryByLength() {
    return costByLength(
        "cache memory, %s", "MiB", item -> item.cost().cacheBytes() / (double) (1 << 20));
  }

  /** A plot a cache size: the energy that compression kept, layer by layer. */
  List<String> energyByLayer() {
    List<String> plots = new ArrayList<>();
    for (int size : results.cacheSizes()) {
      LineChart chart =
          new LineChart("energy kept, " + sizeName(size), "layer", "share, %")
              .values(EvaluationCharts::tenths)
              .upTo(100)
              .wholeX();
      for (PolicyRun policy : results.policies()) {
        if (policy.bounded() && policy.cacheTokens() == size) {
          chart.line(policy.label(), style(policy.label()), energy(policy));
        }
      }
      if (!chart.isEmpty()) {
        plots.add(chart.svg());
      }
    }
    return plots;
  }

  private List<Point> energy(PolicyRun policy) {
    List<Double[]> kept =
        results.of(policy, item -> item.cost() != null).stream()
            .map(item -> item.cost().energyKept())
            .filter(Objects::nonNull)
            .toList();
    List<Point> points = new ArrayList<>();
    for (int layer = 0; !kept.isEmpty() && layer < kept.get(0).length; layer++) {
      int at = layer;
      points.add(new Point(layer, mean(kept.stream().map(item -> 100 * item[at]).toList())));
    }
    // What drops entries rather than filters them keeps nothing of theirs.
    return points.stream().allMatch(point -> point.y() == 0) ? List.of() : points;
  }

  /** Whether times are of documents with one question. */
  boolean singleQuestions() {
    return results.items().stream().anyMatch(item -> item.cost() != null && item.questions() == 1);
  }

  private List<String> costByLength(String title, String yName, ToDoubleFunction<Scored> value) {
    boolean single = singleQuestions();
    return byCacheSize(
        title,
        LENGTH,
        yName,
        policy -> {
          List<Point> points = new ArrayList<>();
          List<Scored> items =
              results.of(policy, item -> item.cost() != null && (item.questions() == 1 || !single));
          EvaluationResults.by(items, EvaluationCharts::octave)
              .values()
              .forEach(
                  group -> {
                    double[] values =
                        group.stream().mapToDouble(value).filter(Double::isFinite).toArray();
                    if (values.length > 0) {
                      points.add(
                          new Point(
                              group.stream().mapToLong(Scored::tokens).average().orElseThrow(),
                              median(values)));
                    }
                  });
          return points;
        });
  }

  private interface Lines {
    List<Point> of(PolicyRun policy);
  }

  private List<String> byCacheSize(String title, String xName, String yName, Lines lines) {
    List<Integer> sizes = results.cacheSizes();
    List<String> plots = new ArrayList<>();
    for (int size : sizes.isEmpty() ? List.of(0) : sizes) {
      LineChart chart =
          new LineChart(
              String.format(Locale.ROOT, title, size == 0 ? "full" : sizeName(size)), xName, yName);
      for (PolicyRun policy : results.policies()) {
        if (!policy.bounded() || policy.cacheTokens() == size) {
          chart.line(policy.label(), style(policy.label()), lines.of(policy));
        }
      }
      if (!chart.isEmpty()) {
        plots.add(chart.svg());
      }
    }
    return plots;
  }

  private int style(String label) {
    return results.labels().indexOf(label);
  }

  private static String sizeName(int size) {
    return "cache of " + Text.number(size);
  }

  private static Double octave(Scored item) {
    double log = Math.log(Math.max(1, item.tokens())) / Math.log(2);
    return Math.rint(log * LENGTHS_PER_OCTAVE) / LENGTHS_PER_OCTAVE;
  }

  /** Tokens a second behind the first one; not a number where there was but one. */
  static double speed(Cost cost) {
    return cost.outputTokens() > 1 ? cost.outputTokens() / (cost.decodeMs() / 1e3) : Double.NaN;
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }

  private static String tenths(double value) {
    return String.format(Locale.ROOT, "%.1f", value);
  }
}
