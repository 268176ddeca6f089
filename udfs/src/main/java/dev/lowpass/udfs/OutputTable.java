package dev.lowpass.udfs;

import static org.apache.spark.sql.types.DataTypes.BooleanType;
import static org.apache.spark.sql.types.DataTypes.DateType;
import static org.apache.spark.sql.types.DataTypes.DoubleType;
import static org.apache.spark.sql.types.DataTypes.IntegerType;
import static org.apache.spark.sql.types.DataTypes.LongType;
import static org.apache.spark.sql.types.DataTypes.StringType;
import static org.apache.spark.sql.types.DataTypes.TimestampType;

import dev.lowpass.pipeline.engine.Completion;
import dev.lowpass.pipeline.engine.FinishReason;
import dev.lowpass.pipeline.engine.Result;
import dev.lowpass.pipeline.engine.Stats;
import dev.lowpass.pipeline.schema.SchemaType;
import dev.lowpass.pipeline.text.ExtractionField;
import java.sql.Date;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The output table: its columns and how its rows are made. A row a document; {@code output} (or
 * {@code fields} and {@code notes}) is null where {@code error} is not.
 */
public final class OutputTable {
  public static final String DOC_ID = "doc_id";
  public static final String STATUS = "status";
  public static final String ERROR = "error";
  public static final String PROMPT_TOKENS = "prompt_tokens";
  public static final String OUTPUT_TOKENS = "output_tokens";
  public static final String FINGERPRINT = "fingerprint";
  public static final String RUN_ID = "run_id";
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
          Stream.of(schema(null, new StructType()), schema(new StructType(), new StructType()))
              .flatMap(schema -> Stream.of(schema.fieldNames()))
              .collect(Collectors.toSet()));

  private static final String OK = "ok";
  private static final String CUT = "the answer reached --max-new-tokens before the object's end";

  private final Run run;
  private final List<ExtractionField> fields;

  /** Where one object is extracted instead. */
  private final SchemaType.Struct object;

  private final StructType schema;
  private final int kept;

  /**
   * @param kept the input columns that are copied into the table, after its own
   */
  public OutputTable(Run run, StructType kept) {
    this.run = run;
    this.fields = run.task() instanceof DocumentTask.Extract extract ? extract.fields() : null;
    this.object = run.task() instanceof DocumentTask.ExtractObject task ? task.type() : null;
    this.schema = schema(fieldColumns(), kept);
    this.kept = kept.size();
  }

  /** How many input columns are copied into it. */
  int kept() {
    return kept;
  }

  /** The columns, kept ones last. */
  public StructType schema() {
    return schema;
  }

  /** The columns of what is extracted; null where nothing is. */
  private StructType fieldColumns() {
    if (object != null) {
      return SchemaRows.columns(object);
    }
    if (fields == null) {
      return null;
    }
    StructType columns = new StructType();
    for (ExtractionField field : fields) {
      columns = columns.add(field.name(), type(field));
    }
    return columns;
  }

  private static StructType schema(StructType fields, StructType kept) {
    StructType schema =
        new StructType().add(DOC_ID, StringType).add("source", StringType).add(STATUS, StringType);
    if (fields == null) {
      schema = schema.add("output", StringType);
    } else {
      schema =
          schema
              .add("fields", fields)
              .add("notes", DataTypes.createMapType(StringType, StringType, false));
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
            .add("created_at", TimestampType);
    for (var column : kept.fields()) {
      schema = schema.add(column.name(), column.dataType());
    }
    return schema;
  }

  private static DataType type(ExtractionField field) {
    return switch (field.kind()) {
      case STRING, ENUM -> StringType;
      case INTEGER -> LongType;
      case NUMBER -> DoubleType;
      case BOOLEAN -> BooleanType;
      case DATE -> DateType;
    };
  }

  Row ok(Document document, Result result) {
    List<Completion> completions = result.completions();
    List<Object> row = start(document, OK);
    if (object != null) {
      boolean whole = completions.get(0).finishReason() == FinishReason.SCHEMA;
      row.add(whole ? SchemaRows.row(object, completions.get(0).text()) : null);
      row.add(whole ? null : CollectionConverters.asScala(Map.of("*", CUT)));
    } else if (fields == null) {
      row.add(completions.get(0).text().strip());
    } else {
      Object[] values = new Object[fields.size()];
      Map<String, String> notes = new LinkedHashMap<>();
      for (int i = 0; i < values.length; i++) {
        ExtractionField.Value value = fields.get(i).parse(completions.get(i).text());
        values[i] = value.value() instanceof LocalDate date ? Date.valueOf(date) : value.value();
        if (value.note() != null) {
          notes.put(fields.get(i).name(), value.note());
        }
      }
      row.add(RowFactory.create(values));
      row.add(notes.isEmpty() ? null : CollectionConverters.asScala(notes));
    }
    row.add(null);
    row.add(finishReason(completions).label());
    row.add(result.promptTokens());
    row.add(result.outputTokens());
    return end(row, document, stats(result.stats()));
  }

  Row failed(Document document, Failure failure) {
    List<Object> row = start(document, FAILED);
    row.add(null);
    if (fields != null || object != null) {
      row.add(null);
    }
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
