package dev.lowpass.udfs;

import static org.apache.spark.sql.types.DataTypes.BooleanType;
import static org.apache.spark.sql.types.DataTypes.DoubleType;
import static org.apache.spark.sql.types.DataTypes.IntegerType;
import static org.apache.spark.sql.types.DataTypes.LongType;
import static org.apache.spark.sql.types.DataTypes.StringType;
import static org.apache.spark.sql.types.DataTypes.TimestampType;

import dev.lowpass.pipeline.engine.Completion;
import dev.lowpass.pipeline.engine.Stats;
import dev.lowpass.pipeline.evaluation.suite.Item;
import dev.lowpass.pipeline.evaluation.suite.Question;
import dev.lowpass.pipeline.evaluation.suite.SuiteRow;
import java.nio.ByteBuffer;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * The table of predictions: a row for each question of an item under a policy. {@code prediction}
 * and {@code score} are null where {@code error} is not. {@code stats} are of the item as a whole,
 * the same in all its rows.
 */
public final class PredictionTable {
  public static final StructType SCHEMA =
      new StructType()
          .add(OutputTable.DOC_ID, StringType)
          .add("source", StringType)
          .add("suite", StringType)
          .add("task", StringType)
          .add("question", StringType)
          .add("question_index", IntegerType)
          .add("length", IntegerType)
          .add("depth", IntegerType)
          .add(OutputTable.STATUS, StringType)
          .add("prediction", StringType)
          .add("references", DataTypes.createArrayType(StringType))
          .add("score", DoubleType)
          .add("loss", DoubleType)
          .add(
              OutputTable.ERROR,
              new StructType().add("type", StringType).add("message", StringType))
          .add("finish_reason", StringType)
          .add("prompt_digest", StringType)
          .add(OutputTable.PROMPT_TOKENS, LongType)
          .add(OutputTable.OUTPUT_TOKENS, LongType)
          .add("question_aware", BooleanType)
          .add("model", new StructType().add("name", StringType).add("digest", StringType))
          .add(
              "policy",
              new StructType()
                  .add("name", StringType)
                  .add("prefill", StringType)
                  .add("cache", StringType)
                  .add("cache_tokens", IntegerType)
                  .add("digest", StringType))
          .add("stats", OutputTable.STATS)
          .add(OutputTable.FINGERPRINT, StringType)
          .add(OutputTable.RUN_ID, StringType)
          .add("created_at", TimestampType);

  private final EvaluationRun run;

  PredictionTable(EvaluationRun run) {
    this.run = run;
  }

  /**
   * The row of a question that was answered.
   *
   * @param prompt its token ids
   */
  Row answered(
      SuiteRow row, Item item, int question, int[] prompt, Completion completion, Stats stats) {
    Question asked = item.questions().get(question);
    List<Object> values = start(row, item, question);
    values.add("ok");
    values.add(completion.text());
    values.add(asked.references().toArray(String[]::new));
    values.add(asked.scorer().score(completion.text()));
    values.add(null);
    values.add(null);
    values.add(completion.finishReason().label());
    values.add(digest(prompt));
    values.add((long) prompt.length);
    values.add((long) completion.tokens().size());
    return end(values, OutputTable.stats(stats));
  }

  /**
   * The row of a text that was foretold.
   *
   * @param loss mean over its tokens' negative log-likelihood, in nats
   * @param tokens ids of the text
   */
  Row foretold(SuiteRow row, Item item, int question, int[] tokens, double loss) {
    List<Object> values = start(row, item, question);
    values.add("ok");
    values.add(null);
    values.add(null);
    values.add(Math.exp(-loss));
    values.add(loss);
    values.add(null);
    values.add(null);
    values.add(digest(tokens));
    values.add((long) tokens.length);
    values.add(0L);
    return end(values, /* stats= */ null);
  }

  /** The rows of an item that failed, one a question. */
  List<Row> failed(SuiteRow row, Item item, Failure failure) {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < item.questions().size(); i++) {
      rows.add(failed(start(row, item, i), failure));
    }
    return rows;
  }

  /** The row of one that is no item of its suite. */
  Row malformed(SuiteRow row, Failure failure) {
    return failed(start(row, null, 0), failure);
  }

  private Row failed(List<Object> values, Failure failure) {
    values.add(OutputTable.FAILED);
    values.add(null);
    values.add(null);
    values.add(null);
    values.add(null);
    values.add(RowFactory.create(failure.type(), failure.message()));
    values.add(null);
    values.add(null);
    values.add(null);
    values.add(null);
    return end(values, /* stats= */ null);
  }

  private static List<Object> start(SuiteRow row, Item item, int question) {
    List<Object> values = new ArrayList<>();
    values.add(row.id());
    values.add(row.source());
    values.add(row.suite().id());
    values.add(row.task());
    values.add(item == null ? "" : item.questions().get(question).name());
    values.add(question);
    values.add(item == null ? row.length() : item.length());
    values.add(item == null ? null : item.depth());
    return values;
  }

  private Row end(List<Object> values, Row stats) {
    values.add(run.prompts().questionAware());
    values.add(RowFactory.create(run.modelName(), run.engine().modelDigest()));
    Policy policy = run.policy();
    values.add(
        RowFactory.create(
            run.name(),
            policy.prefill().prefill(),
            policy.cache().cache(),
            policy.cacheTokens(),
            run.policyDigest()));
    values.add(stats);
    values.add(run.fingerprint());
    values.add(run.runId());
    values.add(Timestamp.from(Instant.now()));
    return RowFactory.create(values.toArray());
  }

  /** SHA-256 over token ids, four bytes each: two runs with the same asked the same. */
  private static String digest(int[] tokens) {
    ByteBuffer bytes = ByteBuffer.allocate(tokens.length * Integer.BYTES);
    bytes.asIntBuffer().put(tokens);
    return Digests.sha256(bytes.array());
  }
}
