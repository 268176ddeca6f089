package dev.lowpass.pipeline.evaluation;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * The rows of one task.
 *
 * @param rows scored and failed ones
 */
public record TaskScore(String task, List<RowScore> rows) {
  /** LongBench-E's ranges of context lengths: their names, and where each ends. */
  private static final Map<String, Integer> LENGTHS = new LinkedHashMap<>();

  static {
    LENGTHS.put("0-4k", 4000);
    LENGTHS.put("4-8k", 8000);
    LENGTHS.put("8k+", Integer.MAX_VALUE);
  }

  /** The rows of each task, by the tasks' names. */
  public static List<TaskScore> ofAll(Collection<RowScore> rows) {
    Map<String, List<RowScore>> tasks = new TreeMap<>();
    rows.forEach(row -> tasks.computeIfAbsent(row.task(), t -> new ArrayList<>()).add(row));
    List<TaskScore> scores = new ArrayList<>();
    tasks.forEach((task, its) -> scores.add(new TaskScore(task, List.copyOf(its))));
    return scores;
  }

  /** The names of the length ranges. */
  public static List<String> lengthRanges() {
    return List.copyOf(LENGTHS.keySet());
  }

  /** The mean over the rows that have a score, in percent, to two decimals; empty without any. */
  public OptionalDouble percent() {
    return percent(scores());
  }

  /** The same within one of {@link #lengthRanges}: rows of which the length is known. */
  public OptionalDouble percent(String lengthRange) {
    int to = LENGTHS.get(lengthRange);
    int from = LENGTHS.values().stream().filter(end -> end < to).reduce(0, Math::max);
    return percent(
        rows.stream()
            .filter(row -> row.length() != null && row.length() >= from && row.length() < to)
            .map(RowScore::score)
            .filter(Objects::nonNull)
            .toList());
  }

  /** Where 95% of the means lie that samples of these rows have (percentile bootstrap). */
  public Bootstrap.Interval interval(long seed) {
    double[] values = scores().stream().mapToDouble(score -> 100 * score).toArray();
    return Bootstrap.interval(Bootstrap.means(values, seed));
  }

  /** How many rows failed. */
  public long failed() {
    return rows.stream().filter(row -> !row.scored()).count();
  }

  private List<Double> scores() {
    return rows.stream().map(RowScore::score).filter(Objects::nonNull).toList();
  }

  private static OptionalDouble percent(List<Double> scores) {
    if (scores.isEmpty()) {
      return OptionalDouble.empty();
    }
    double sum = 0;
    for (double score : scores) {
      sum += score;
    }
    return OptionalDouble.of(round(100 * sum / scores.size()));
  }

  /** As Python's {@code round(value, 2)}: of the double's exact value, a half to the even digit. */
  static double round(double value) {
    return new BigDecimal(value).setScale(2, RoundingMode.HALF_EVEN).doubleValue();
  }
}
