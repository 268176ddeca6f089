package dev.lowpass.jobs;

import dev.lowpass.jobs.charts.Svg;
import dev.lowpass.pipeline.evaluation.suite.Suite;
import dev.lowpass.pipeline.evaluation.suite.SuiteRow;
import dev.lowpass.udfs.EvaluationRun;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * How an evaluation was made, for its report.
 *
 * @param title names the model
 * @param questionAware whether policies knew the question as they read
 * @param entries name to value
 * @param spectrum plot of the model's energy by frequency
 */
record EvaluationFacts(
    String title, boolean questionAware, Map<String, String> entries, Optional<String> spectrum) {

  /** Of a run. */
  static EvaluationFacts of(
      CheckpointFacts model,
      List<EvaluationRun> runs,
      List<SuiteRow> rows,
      int seed,
      Optional<String> spectrum) {
    EvaluationRun run = runs.get(0);
    Map<String, String> entries = new LinkedHashMap<>();
    entries.put(
        "model",
        "%s, %s, %s parameters, window of %s"
            .formatted(
                model.name(),
                model.config().modelType(),
                Text.number(model.parameters()),
                Text.count(model.config().maxPositions(), "token")));
    entries.put("digest", model.digest());
    entries.put(
        "questions",
        run.prompts().questionAware()
            ? "known while a document is read, to policies that can use it (hybrid, fastkv)"
            : "unknown until the document is read and compressed");
    entries.put(
        "chat template",
        !model.chatTemplate()
            ? "the model has none"
            : run.prompts().chat() ? "used, where the task wants one" : "not used");
    if (rows.stream()
        .anyMatch(row -> row.suite() == Suite.LONGBENCH || row.suite() == Suite.SHARED)) {
      entries.put(
          "truncation",
          run.prompts().maxPromptTokens() == 0
              ? "none"
              : "the middle of prompts over "
                  + Text.count(run.prompts().maxPromptTokens(), "token"));
    }
    entries.put("rows", counts(rows));
    TreeSet<Integer> lengths =
        rows.stream()
            .map(SuiteRow::length)
            .filter(length -> length != null)
            .collect(Collectors.toCollection(TreeSet::new));
    if (!lengths.isEmpty()) {
      entries.put("lengths", lengths.stream().map(Text::number).collect(Collectors.joining("; ")));
    }
    entries.put("decoding", "greedy");
    entries.put("seed", String.valueOf(seed));
    entries.put("fingerprint", run.fingerprint());
    entries.put("made on", LocalDate.now(ZoneOffset.UTC).toString());
    return new EvaluationFacts(
        "Evaluation of " + model.name(), run.prompts().questionAware(), entries, spectrum);
  }

  private static String counts(List<SuiteRow> rows) {
    return rows.stream()
        .collect(Collectors.groupingBy(SuiteRow::suite, TreeMap::new, Collectors.counting()))
        .entrySet()
        .stream()
        .map(entry -> entry.getKey().id() + " " + Text.number(entry.getValue()))
        .collect(Collectors.joining(", "));
  }

  /** What the report is of, in a sentence or two. */
  String lead(EvaluationResults results) {
    return "%s over %s. %s"
        .formatted(
            results.policies().size() == 1
                ? "One policy"
                : results.policies().size() + " policies side by side",
            results.suites().stream().map(Suite::id).collect(Collectors.joining(", ")),
            questionAware
                ? "Policies that can read a document with its question in mind did so."
                : "What is kept of a document was decided before its question was known.");
  }

  /** All entries, as HTML. */
  String list() {
    return entries.entrySet().stream()
        .map(
            entry ->
                "<dt>%s</dt><dd>%s</dd>%n"
                    .formatted(Svg.escape(entry.getKey()), Svg.escape(entry.getValue())))
        .collect(Collectors.joining("", "<dl>\n", "</dl>"));
  }
}
