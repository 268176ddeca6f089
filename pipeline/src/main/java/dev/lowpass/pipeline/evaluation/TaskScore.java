package dev.lowpass.pipeline.evaluation;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collection;
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
  private record LengthRange(String name, int from, int to) {}

  /** LongBench-E's. */
  private static final List<LengthRange> LENGTH_RANGES =
      List.of(
          new LengthRange("0-4k", 0, 4000),
          new LengthRange("4-8k", 4000, 8000),
          new LengthRange("8k+", 8000, Integer.MAX_VALUE));

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
    return LENGTH_RANGES.stream().map(LengthRange::name).toList();
  }

  /** The mean over the rows that have a score, in percent, to two decimals; empty without any. */
  public OptionalDouble percent() {
    return percent(scores());
  }

  /**
   * The same within one of {@link #lengthRanges}: rows of which the length is known.
   *
   * @throws java.util.NoSuchElementException if there is no such range
   */
  public OptionalDouble percent(String lengthRange) {
    LengthRange range =
        LENGTH_RANGES.stream().filter(r -> r.name.equals(lengthRange)).findFirst().orElseThrow();
    return percent(
        rows.stream()
            .filter(RowScore::scored)
            .filter(row -> row.length() != null)
            .filter(row -> row.length() >= range.from && row.length() < range.to)
            .map(RowScore::score)
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
