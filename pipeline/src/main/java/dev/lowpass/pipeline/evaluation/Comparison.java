package dev.lowpass.pipeline.evaluation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Two runs over the same rows, compared by the paired bootstrap (Koehn 2004): rows are drawn again
 * with both runs' scores together, so that how hard a row is cancels out.
 *
 * @param tasks by name
 * @param missing tasks of run A that run B has no row of
 */
public record Comparison(List<Task> tasks, List<String> missing) {
  /** A task is worse if this is very unlikely to be by chance. */
  public static final double SIGNIFICANCE = 0.05;

  /**
   * One task, scores in percent.
   *
   * @param rows that both runs scored
   * @param unpaired rows that only one of them scored
   * @param a mean of run A over the rows of both
   * @param b mean of run B
   * @param interval 95% of the resampled differences b - a
   * @param p the share of resamples in which B is no worse than A, adjusted for the number of tasks
   *     (Holm); 1 where there is nothing to compare
   */
  public record Task(
      String task,
      int rows,
      int unpaired,
      double a,
      double b,
      Bootstrap.Interval interval,
      double p) {
    /** Whether B is worse than chance explains. */
    public boolean regressed() {
      return p < SIGNIFICANCE;
    }

    private Task withP(double adjusted) {
      return new Task(task, rows, unpaired, a, b, interval, adjusted);
    }
  }

  /** Compares B with A. */
  public static Comparison of(List<RowScore> a, List<RowScore> b, long seed) {
    Map<String, Map<String, Double>> before = byTask(a);
    Map<String, Map<String, Double>> after = byTask(b);
    List<Task> tasks = new ArrayList<>();
    List<String> missing = new ArrayList<>();
    before.forEach(
        (task, rows) -> {
          if (after.containsKey(task)) {
            tasks.add(task(task, rows, after.get(task), seed));
          } else {
            missing.add(task);
          }
        });
    return new Comparison(adjusted(tasks), missing);
  }

  /** Whether B is worse in some task, or has lost one. */
  public boolean regressed() {
    return !missing.isEmpty() || tasks.stream().anyMatch(Task::regressed);
  }

  private static Map<String, Map<String, Double>> byTask(List<RowScore> rows) {
    Map<String, Map<String, Double>> tasks = new TreeMap<>();
    for (RowScore row : rows) {
      Map<String, Double> scores = tasks.computeIfAbsent(row.task(), t -> new HashMap<>());
      if (row.scored() && scores.put(row.row(), row.score()) != null) {
        throw new EvaluationException(
            "task %s has row %s twice; rows must have names of their own"
                .formatted(row.task(), row.row()));
      }
    }
    return tasks;
  }

  private static Task task(
      String task, Map<String, Double> before, Map<String, Double> after, long seed) {
    // Sorted: the result does not depend on the order of the files.
    List<String> both = new ArrayList<>(new TreeSet<>(before.keySet()));
    both.retainAll(after.keySet());
    int unpaired = before.size() + after.size() - 2 * both.size();
    if (both.isEmpty()) {
      return new Task(task, 0, unpaired, 0, 0, new Bootstrap.Interval(0, 0), 1);
    }
    double a = 100 * both.stream().mapToDouble(before::get).average().orElseThrow();
    double b = 100 * both.stream().mapToDouble(after::get).average().orElseThrow();
    double[] means =
        Bootstrap.means(
            both.stream().mapToDouble(row -> 100 * (after.get(row) - before.get(row))).toArray(),
            seed);
    return new Task(
        task,
        both.size(),
        unpaired,
        a,
        b,
        Bootstrap.interval(means),
        Bootstrap.shareNotBelowZero(means));
  }

  /** Holm's step-down adjustment: over many tasks, one of them looks worse by chance. */
  private static List<Task> adjusted(List<Task> tasks) {
    List<Task> byP = new ArrayList<>(tasks);
    byP.sort(Comparator.comparingDouble(Task::p));
    Map<String, Double> adjusted = new HashMap<>();
    double last = 0;
    for (int i = 0; i < byP.size(); i++) {
      last = Math.max(last, Math.min(1, (byP.size() - i) * byP.get(i).p()));
      adjusted.put(byP.get(i).task(), last);
    }
    return tasks.stream().map(task -> task.withP(adjusted.get(task.task()))).toList();
  }
}
