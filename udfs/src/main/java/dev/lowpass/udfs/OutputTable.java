package dev.lowpass.udfs;

import static org.apache.spark.sql.types.DataTypes.DoubleType;
import static org.apache.spark.sql.types.DataTypes.IntegerType;
import static org.apache.spark.sql.types.DataTypes.LongType;
import static org.apache.spark.sql.types.DataTypes.StringType;
import static org.apache.spark.sql.types.DataTypes.TimestampType;

import dev.lowpass.pipeline.engine.Completion;
import dev.lowpass.pipeline.engine.FinishReason;
import dev.lowpass.pipeline.engine.Result;
import dev.lowpass.pipeline.engine.Stats;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * The output table: its columns and how its rows are made. A row a document; its {@link
 * AnswerColumns} are null where {@code error} is not.
 */
public final class OutputTable {
  public static final String DOC_ID = "doc_id";
  public static final String STATUS = "status";
  public static final String ERROR = "error";
  public static final String PROMPT_TOKENS = "prompt_tokens";
  public static final String OUTPUT_TOKENS = "output_tokens";
  public static final String FINGERPRINT = "fingerprint";
  public static final String RUN_ID = "run_id";
  public static final String CREATED_AT = "created_at";
  public static final String FAILED = "failed";

  /** What a document cost. */
  static final StructType STATS =
      new StructType()
          .add("queue_ms", DoubleType)
          .add("prefill_ms", DoubleType)
          .add("decode_ms", DoubleType)
          .add("cache_bytes", LongType)
          .add("kept_tokens", LongType)
          .add("compressions", IntegerType)
          .add("energy_kept", DataTypes.createArrayType(DoubleType));

  /** Names of the table's own columns, of all commands. */
  static final Set<String> COLUMNS =
      Set.copyOf(
          Stream.concat(
                  AnswerColumns.NAMES.stream(),
                  Stream.of(schema(new StructType(), new StructType()).fieldNames()))
              .collect(Collectors.toSet()));

  private static final String OK = "ok";
  private final Run run;
  private final AnswerColumns answers;
  private final StructType schema;

  /**
   * @param kept the input columns that are copied into the table, after its own
   */
  public OutputTable(Run run, StructType kept) {
    this.run = run;
    this.answers = AnswerColumns.of(run.task());
    this.schema = schema(answers.columns(), kept);
  }

  /** The columns, kept ones last. */
  public StructType schema() {
    return schema;
  }

  private static StructType schema(StructType answers, StructType kept) {
    StructType schema =
        new StructType()
            .add(DOC_ID, StringType)
            .add("source", StringType)
            .add("encoding", StringType)
            .add(STATUS, StringType);
    for (var column : answers.fields()) {
      schema = schema.add(column);
    }
    schema =
        schema
            .add(ERROR, new StructType().add("type", StringType).add("message", StringType))
            .add("finish_reason", StringType)
            .add(PROMPT_TOKENS, LongType)
            .add(OUTPUT_TOKENS, LongType)
            .add("model", new StructType().add("name", StringType).add("digest", StringType))
            .add(
                "policy",
                new StructType()
                    .add("prefill", StringType)
                    .add("cache", StringType)
                    .add("cache_tokens", IntegerType))
            .add("stats", STATS)
            .add(FINGERPRINT, StringType)
            .add(RUN_ID, StringType)
            .add(CREATED_AT, TimestampType);
    for (var column : kept.fields()) {
      schema = schema.add(column.name(), column.dataType());
    }
    return schema;
  }

  Row ok(Document document, Result result) {
    List<Completion> completions = result.completions();
    List<Object> row = start(document, OK);
    row.addAll(answers.values(document.text(), completions));
    row.add(null);
    row.add(finishReason(completions).label());
    row.add(result.promptTokens());
    row.add(result.outputTokens());
    return end(row, document, stats(result.stats()));
  }

  Row failed(Document document, Failure failure) {
    List<Object> row = start(document, FAILED);
    row.addAll(Collections.nCopies(answers.columns().size(), null));
    row.add(RowFactory.create(failure.type(), failure.message()));
    row.add(null);
    row.add(null);
    row.add(null);
    return end(row, document, /* stats= */ null);
  }

  /** The {@link #STATS} of a document. */
  static Row stats(Stats stats) {
    return RowFactory.create(
        stats.queueMs(),
        stats.prefillMs(),
        stats.decodeMs(),
        stats.cacheBytes(),
        stats.keptTokens(),
        stats.compressions(),
        stats.energyKept().stream()
            .map(kept -> Double.isNaN(kept) ? null : kept)
            .toArray(Double[]::new));
  }

  private static List<Object> start(Document document, String status) {
    List<Object> row = new ArrayList<>();
    row.add(document.docId());
    row.add(document.source());
    row.add(document.encoding());
    row.add(status);
    return row;
  }

  private Row end(List<Object> row, Document document, Row stats) {
    row.add(RowFactory.create(run.modelName(), run.engine().modelDigest()));
    Policy policy = run.policy();
    row.add(
        RowFactory.create(
            policy.prefill().prefill(), policy.cache().cache(), policy.cacheTokens()));
    row.add(stats);
    row.add(run.fingerprint());
    row.add(run.runId());
    row.add(Timestamp.from(Instant.now()));
    for (int i = 0; i < document.kept().size(); i++) {
      row.add(document.kept().get(i));
    }
    return RowFactory.create(row.toArray());
  }

  private static FinishReason finishReason(List<Completion> completions) {
    boolean cut = completions.stream().anyMatch(c -> c.finishReason() == FinishReason.LENGTH);
    return cut ? FinishReason.LENGTH : completions.get(0).finishReason();
  }
}
