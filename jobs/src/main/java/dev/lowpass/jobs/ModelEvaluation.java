package dev.lowpass.jobs;

import dev.lowpass.pipeline.decoder.LayerSpectrum;
import dev.lowpass.pipeline.evaluation.EvaluationException;
import dev.lowpass.pipeline.evaluation.suite.Suite;
import dev.lowpass.pipeline.evaluation.suite.SuiteRow;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.text.TextTokenizer;
import dev.lowpass.udfs.Counters;
import dev.lowpass.udfs.EvaluationRun;
import dev.lowpass.udfs.OutputTable;
import dev.lowpass.udfs.PredictionTable;
import dev.lowpass.udfs.Predictions;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Model.CommandSpec;

/**
 * Runs a model over rows of suites, policy by policy, and adds its predictions to a table: what the
 * table has already is not done again.
 */
final class ModelEvaluation {
  private static final int TASKS_PER_CORE = 4;

  /** Most rows of a task: what a killed one has to do again. */
  private static final int ROWS_PER_TASK = 64;

  /** Enough of a text to see how its energy is spread. */
  private static final int SPECTRUM_TOKENS = 2048;

  private final SparkSession session;
  private final CommandSpec command;
  private final Output output;
  private final int seed;

  ModelEvaluation(SparkSession session, CommandSpec command, Output output, int seed) {
    this.session = session;
    this.command = command;
    this.output = output;
    this.seed = seed;
  }

  /** Runs what the table lacks, policy by policy; returns how many rows that were. */
  long run(List<EvaluationRun> runs, List<SuiteRow> rows) throws IOException {
    output.takeOver();
    Optional<Dataset<Row>> table = output.rows(runs.get(0).fingerprint(), PredictionTable.SCHEMA);
    Set<List<String>> done = new HashSet<>();
    if (table.isPresent()) {
      for (Row row :
          table
              .get()
              .select(OutputTable.DOC_ID, "policy.name", "policy.digest")
              .distinct()
              .collectAsList()) {
        done.add(List.of(row.getString(0), row.getString(1), row.getString(2)));
      }
    }
    checkPolicies(done, runs);
    long count = 0;
    for (EvaluationRun run : runs) {
      List<SuiteRow> missing =
          rows.stream()
              .filter(row -> !done.contains(List.of(row.id(), run.name(), run.policyDigest())))
              .collect(Collectors.toCollection(ArrayList::new));
      if (!missing.isEmpty()) {
        // Long and short rows to each task.
        Collections.shuffle(missing, new Random(seed));
        write(run, missing);
        count += missing.size();
      }
    }
    output.markComplete();
    return count;
  }

  private void checkPolicies(Set<List<String>> done, List<EvaluationRun> runs) {
    for (EvaluationRun run : runs) {
      for (List<String> other : done) {
        if (other.get(1).equals(run.name()) && !other.get(2).equals(run.policyDigest())) {
          throw new UsageException(
              "--output %s holds rows of %s with other parameters; give another folder or remove it"
                  .formatted(output.location(), run.name()));
        }
      }
    }
  }

  private void write(EvaluationRun run, List<SuiteRow> missing) throws IOException {
    SparkContext context = session.sparkContext();
    int tasks =
        Math.min(
            missing.size(),
            Math.max(
                context.defaultParallelism() * TASKS_PER_CORE, missing.size() / ROWS_PER_TASK));
    PrintWriter err = command.commandLine().getErr();
    String name = command.qualifiedName() + ": " + run.name();
    TaskCounts counts = new TaskCounts(all -> {});
    context.addSparkListener(counts);
    try (Progress progress = Progress.start(counts, name, missing.size(), err);
        Interruption interruption =
            new Interruption(
                err,
                "%s: stopped; what was finished is in %s. To go on, run the same command."
                    .formatted(command.qualifiedName(), output.location()))) {
      output.append(Predictions.of(session, missing, run, new Counters(context), tasks));
    } finally {
      context.removeSparkListener(counts);
    }
  }

  /**
   * The plot of the model's energy by frequency on the beginning of the first row's text; empty
   * where that is too short.
   */
  static Optional<String> spectrum(
      Checkpoint checkpoint, ModelOptions model, EvaluationRun run, List<SuiteRow> rows) {
    for (SuiteRow row : rows) {
      String text;
      try {
        text = Suite.read(row, run.suites()).document();
      } catch (EvaluationException e) {
        continue;
      }
      int most = Math.min(SPECTRUM_TOKENS, checkpoint.config().maxPositions());
      int sinks = run.policy().cache().sinks();
      int[] tokens;
      try (TextTokenizer tokenizer = TextTokenizer.load(checkpoint.folder())) {
        tokens =
            IntStream.concat(tokenizer.bos().stream(), Arrays.stream(tokenizer.encode(text)))
                .limit(most)
                .toArray();
      }
      if (tokens.length > 2 * sinks + 64) {
        List<LayerSpectrum> layers =
            LayerSpectrum.measure(checkpoint, model.device(), model.threads(), tokens, sinks);
        String subtitle =
            "of DCT coefficients along %s of %s, the mean left out"
                .formatted(Text.count(tokens.length, "token"), row.source());
        return Optional.of(
            EnergyPlot.svg("Energy by frequency: " + checkpoint.name(), subtitle, layers));
      }
    }
    return Optional.empty();
  }
}
