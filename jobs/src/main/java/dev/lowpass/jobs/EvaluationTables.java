package dev.lowpass.jobs;

import dev.lowpass.pipeline.evaluation.Bootstrap;
import dev.lowpass.pipeline.evaluation.Comparison;
import dev.lowpass.pipeline.evaluation.TaskScore;
import dev.lowpass.pipeline.evaluation.suite.Suite;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.stream.Stream;

/** Scores for people. */
final class EvaluationTables {
  private static final String NONE = "-";

  private EvaluationTables() {}

  /** A row a task: score, interval, counts, scores by length; and the tasks' mean. */
  static TextTable scores(List<TaskScore> tasks, long seed) {
    List<String> ranges = TaskScore.lengthRanges();
    TextTable table =
        new TextTable(
            cells(Stream.of("task", "score", "95% interval", "rows", "failed"), ranges.stream()));
    for (TaskScore task : tasks) {
      table.add(
          cells(
              Stream.of(
                  task.task(),
                  number(task.percent()),
                  task.percent().isPresent() ? interval(task.interval(seed)) : NONE,
                  Text.number(task.rows().size()),
                  Text.number(task.failed())),
              ranges.stream().map(range -> number(task.percent(range)))));
    }
    OptionalDouble mean = tasks.stream().flatMapToDouble(task -> task.percent().stream()).average();
    table.add(
        cells(
            Stream.of(
                "mean of tasks",
                number(mean),
                "",
                Text.number(tasks.stream().mapToLong(task -> task.rows().size()).sum()),
                Text.number(tasks.stream().mapToLong(TaskScore::failed).sum())),
            ranges.stream().map(range -> "")));
    return table;
  }

  /** A row a policy: each suite's score, with its interval, and failed items. */
  static TextTable policies(EvaluationResults results, long seed) {
    List<Suite> suites =
        results.suites().stream().filter(suite -> suite != Suite.PERPLEXITY).toList();
    TextTable table =
        new TextTable(
            cells(
                Stream.of("policy"),
                suites.stream().flatMap(s -> Stream.of(s.id(), "95% interval", "failed"))));
    for (EvaluationResults.PolicyRun policy : results.policies()) {
      table.add(
          cells(
              Stream.of(policy.name()),
              suites.stream()
                  .map(s -> SuiteScore.of(results.of(policy, item -> item.suite() == s), seed))
                  .flatMap(
                      score ->
                          Stream.of(
                              score.known() ? number(score.percent()) : NONE,
                              score.known() ? interval(score.interval()) : NONE,
                              score.failed() + " of " + score.items()))));
    }
    return table;
  }

  /** A row a task: both scores, their difference, and whether it is a regression. */
  static TextTable comparison(Comparison comparison) {
    TextTable table =
        new TextTable(
            "task", "A", "B", "B - A", "95% interval", "p", "rows", "unpaired", "verdict");
    for (Comparison.Task task : comparison.tasks()) {
      table.add(
          task.task(),
          number(task.a()),
          number(task.b()),
          String.format(Locale.ROOT, "%+.2f", task.b() - task.a()),
          interval(task.interval()),
          String.format(Locale.ROOT, "%.4f", task.p()),
          Text.number(task.rows()),
          Text.number(task.unpaired()),
          task.regressed() ? "worse" : NONE);
    }
    return table;
  }

  private static String[] cells(Stream<String> first, Stream<String> then) {
    return Stream.concat(first, then).toArray(String[]::new);
  }

  private static String number(OptionalDouble value) {
    return value.isPresent() ? number(value.getAsDouble()) : NONE;
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.2f", value);
  }

  private static String interval(Bootstrap.Interval interval) {
    return number(interval.low()) + " to " + number(interval.high());
  }
}
