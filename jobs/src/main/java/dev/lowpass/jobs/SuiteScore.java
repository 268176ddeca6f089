package dev.lowpass.jobs;

import dev.lowpass.jobs.EvaluationResults.Scored;
import dev.lowpass.pipeline.evaluation.Bootstrap;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;

/**
 * What items of one suite came to under one policy: the mean of its tasks' means.
 *
 * @param percent not a number where no item has a score
 * @param interval 95% of the means that samples of the items have, drawn within each task
 * @param items scored and failed ones
 */
record SuiteScore(double percent, Bootstrap.Interval interval, int items, int failed) {
  static SuiteScore of(List<Scored> items, long seed) {
    Collection<List<Scored>> tasks =
        EvaluationResults.by(items.stream().filter(Scored::ok).toList(), Scored::task).values();
    List<double[]> scores =
        tasks.stream()
            .map(task -> task.stream().mapToDouble(item -> 100 * item.score()).toArray())
            .toList();
    int failed = (int) items.stream().filter(item -> !item.ok()).count();
    if (scores.isEmpty()) {
      return new SuiteScore(
          Double.NaN, new Bootstrap.Interval(Double.NaN, Double.NaN), items.size(), failed);
    }
    double mean =
        scores.stream()
            .mapToDouble(task -> Arrays.stream(task).average().orElseThrow())
            .average()
            .orElseThrow();
    return new SuiteScore(mean, Bootstrap.interval(scores, seed), items.size(), failed);
  }

  boolean known() {
    return !Double.isNaN(percent);
  }
}
