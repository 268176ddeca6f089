package dev.lowpass.jobs;

import static org.apache.spark.sql.types.DataTypes.DoubleType;
import static org.apache.spark.sql.types.DataTypes.IntegerType;
import static org.apache.spark.sql.types.DataTypes.LongType;
import static org.apache.spark.sql.types.DataTypes.StringType;

import dev.lowpass.jobs.EvaluationResults.PolicyRun;
import dev.lowpass.jobs.EvaluationResults.Scored;
import dev.lowpass.pipeline.evaluation.ScoreFiles;
import dev.lowpass.pipeline.evaluation.suite.Suite;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/** What an evaluation leaves besides its predictions: metrics, scores and the report. */
final class EvaluationFiles {
  /** Folder of the metrics' Parquet. */
  private static final String METRICS = "metrics";

  static final String REPORT = "report.html";

  private static final StructType SCHEMA =
      new StructType()
          .add("suite", StringType)
          .add("task", StringType)
          .add("length", IntegerType)
          .add("policy", StringType)
          .add("cache_tokens", IntegerType)
          .add("items", LongType)
          .add("failed", LongType)
          .add("score", DoubleType)
          .add("score_low", DoubleType)
          .add("score_high", DoubleType)
          .add("perplexity", DoubleType)
          .add("first_token_ms", DoubleType)
          .add("tokens_per_second", DoubleType)
          .add("cache_bytes", DoubleType);

  private final SparkSession session;
  private final String output;
  private final int seed;

  EvaluationFiles(SparkSession session, String output, int seed) {
    this.session = session;
    this.output = output;
    this.seed = seed;
  }

  void write(EvaluationResults results, EvaluationFacts facts) throws IOException {
    session
        .createDataFrame(metrics(results), SCHEMA)
        .coalesce(1)
        .write()
        .mode(SaveMode.Overwrite)
        .parquet(output + "/" + METRICS);
    java.nio.file.Path local = Files.createTempDirectory("lowpass-evaluation");
    ScoreFiles.write(local, results.tasks());
    Files.writeString(local.resolve(REPORT), EvaluationReport.html(results, facts, seed));
    Path folder = new Path(output);
    FileSystem files = folder.getFileSystem(session.sparkContext().hadoopConfiguration());
    // Without the checksum files that Hadoop puts beside each.
    FileSystem plain =
        files instanceof LocalFileSystem checked ? checked.getRawFileSystem() : files;
    try (Stream<java.nio.file.Path> made = Files.list(local)) {
      for (java.nio.file.Path file : made.toList()) {
        plain.copyFromLocalFile(
            /* delSrc= */ true,
            /* overwrite= */ true,
            new Path(file.toUri()),
            new Path(folder, file.getFileName().toString()));
      }
    }
    Files.delete(local);
  }

  /** A row for each task and length under each policy; length null for all of them. */
  private List<Row> metrics(EvaluationResults results) {
    List<Row> rows = new ArrayList<>();
    for (PolicyRun policy : results.policies()) {
      EvaluationResults.by(results.of(policy, item -> true), item -> item.suite() + item.task())
          .values()
          .forEach(
              task -> {
                rows.add(metrics(policy, null, task));
                List<Scored> ofLength =
                    task.stream().filter(item -> item.length() != null).toList();
                if (task.get(0).suite() != Suite.LONGBENCH) {
                  EvaluationResults.by(ofLength, Scored::length)
                      .forEach((length, items) -> rows.add(metrics(policy, length, items)));
                }
              });
    }
    return rows;
  }

  private Row metrics(PolicyRun policy, Integer length, List<Scored> items) {
    Scored first = items.get(0);
    boolean foretold = first.suite() == Suite.PERPLEXITY;
    SuiteScore score = SuiteScore.of(items, seed);
    boolean scored = score.known() && !foretold;
    double loss =
        items.stream()
            .filter(Scored::ok)
            .mapToDouble(i -> foretold ? i.loss() : 0)
            .average()
            .orElse(Double.NaN);
    return RowFactory.create(
        first.suite().id(),
        first.task(),
        length,
        policy.name(),
        policy.cacheTokens(),
        (long) items.size(),
        (long) score.failed(),
        scored ? (Double) score.percent() : null,
        scored ? (Double) score.interval().low() : null,
        scored ? (Double) score.interval().high() : null,
        foretold && length != null && !Double.isNaN(loss) ? (Double) Math.exp(loss) : null,
        median(items, item -> item.cost().prefillMs()),
        median(items, item -> EvaluationCharts.speed(item.cost())),
        median(items, item -> item.cost().cacheBytes()));
  }

  /** Null where no item took an engine. */
  private static Double median(List<Scored> items, ToDoubleFunction<Scored> value) {
    double[] values =
        items.stream()
            .filter(item -> item.cost() != null)
            .mapToDouble(value)
            .filter(Double::isFinite)
            .toArray();
    return values.length == 0 ? null : (Double) EvaluationCharts.median(values);
  }
}
