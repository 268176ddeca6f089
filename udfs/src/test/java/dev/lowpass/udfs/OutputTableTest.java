package dev.lowpass.udfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.engine.Completion;
import dev.lowpass.pipeline.engine.FinishReason;
import dev.lowpass.pipeline.engine.Result;
import dev.lowpass.pipeline.engine.Stats;
import dev.lowpass.pipeline.engine.TokenProbability;
import dev.lowpass.pipeline.model.WeightType;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.catalyst.expressions.GenericRowWithSchema;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;

/** Other programs read these columns by name: a change here is a change of the interface. */
class OutputTableTest {
  private static final String REST =
      " error struct<type:string,message:string>, finish_reason string, prompt_tokens bigint,"
          + " output_tokens bigint, model struct<name:string,digest:string>,"
          + " policy struct<prefill:string,cache:string,cache_tokens:int>,"
          + " stats struct<queue_ms:double,prefill_ms:double,decode_ms:double,cache_bytes:bigint,"
          + "kept_tokens:bigint,compressions:int,energy_kept:array<double>>,"
          + " fingerprint string, run_id string, created_at timestamp";

  @Test
  void summaries() {
    StructType schema =
        new OutputTable(run(new DocumentTask.Summarize("Sum up.")), new StructType()).schema();
    assertThat(columns(schema))
        .isEqualTo(
            "doc_id string, source string, encoding string, status string, output string," + REST);
    assertThat(schema.fields()).allMatch(StructField::nullable);
  }

  @Test
  void fieldsHaveTheTypesOfTheSchema() {
    String json =
        """
        {"type": "object", "properties": {
          "who": {"type": "string", "description": "Who?"},
          "kind": {"type": "string", "enum": ["a", "b"]},
          "count": {"type": "integer"},
          "amount": {"type": "number"},
          "signed": {"type": "boolean"},
          "day": {"type": "string", "format": "date"}}}
        """;
    StructType schema =
        new OutputTable(run(new DocumentTask.Extract("s.json", json)), new StructType()).schema();
    assertThat(columns(schema))
        .isEqualTo(
            "doc_id string, source string, encoding string, status string,"
                + " fields struct<who:string,kind:string,count:bigint,amount:double,signed:boolean,day:date>,"
                + " notes map<string,string>,"
                + REST);
    StructType fields = (StructType) schema.apply("fields").dataType();
    assertThat(fields.fields()).allMatch(StructField::nullable);
  }

  @Test
  void nestedFieldsHaveNestedTypes() {
    String json =
        """
        {"type": "object", "properties": {
          "client": {"type": "object", "properties": {"name": {"type": "string"}}},
          "items": {"type": "array", "items": {"type": "object", "properties": {
            "count": {"type": "integer", "minimum": 1},
            "price": {"type": "number", "multipleOf": 0.01}}}},
          "at": {"type": "string", "format": "date-time"},
          "days": {"type": "array", "items": {"type": "string", "format": "date"}}}}
        """;
    DocumentTask task = DocumentTask.extract("s.json", json);
    StructType schema = new OutputTable(run(task), new StructType()).schema();
    assertThat(columns(schema))
        .contains(
            " fields struct<client:struct<name:string>,"
                + "items:array<struct<count:bigint,price:decimal(21,2)>>,"
                + "at:timestamp,days:array<date>>,");
    Row row =
        SchemaRows.row(
            ((DocumentTask.ExtractObject) task).type(),
            "{\"client\":{\"name\":null},\"items\":[{\"count\":2,\"price\":1.5},{\"count\":null,\"price\":3}],"
                + "\"at\":\"2024-02-29T12:00:00+02:00\",\"days\":null}");
    assertThat(row.getStruct(0)).isEqualTo(RowFactory.create((Object) null));
    assertThat((Object[]) row.get(1))
        .containsExactly(
            RowFactory.create(2L, new BigDecimal("1.50")),
            RowFactory.create(null, new BigDecimal("3.00")));
    assertThat(row.getTimestamp(2).toInstant()).isEqualTo(Instant.parse("2024-02-29T10:00:00Z"));
    assertThat(row.get(3)).isNull();
  }

  @Test
  void confidenceAndEvidenceHaveTheFieldsShape() {
    String scalars =
        "{\"type\":\"object\",\"properties\":{\"who\":{\"type\":\"string\"},\"day\":{\"type\":\"string\",\"format\":\"date\"}}}";
    assertThat(columns(table(scalars, new FieldDetails(true, true)).schema()))
        .contains(
            " fields struct<who:string,day:date>,"
                + " confidence struct<who:double,day:double>,"
                + " evidence struct<who:struct<begin:int,end:int>,day:struct<begin:int,end:int>>,"
                + " notes map<string,string>,");
    assertThat(columns(table(scalars, new FieldDetails(false, true)).schema()))
        .doesNotContain("confidence")
        .contains("evidence");
    assertThat(columns(table(NESTED, new FieldDetails(true, true)).schema()))
        .contains(
            " confidence struct<cats:double,owner:struct<name:double>,tags:array<double>>,"
                + " evidence struct<cats:struct<begin:int,end:int>,"
                + "owner:struct<name:struct<begin:int,end:int>>,"
                + "tags:array<struct<begin:int,end:int>>>,");
  }

  private static final String NESTED =
      """
      {"type": "object", "properties": {
        "cats": {"type": "integer"},
        "owner": {"type": "object", "properties": {"name": {"type": "string"}}},
        "tags": {"type": "array", "items": {"type": "string"}}}}
      """;

  private static OutputTable table(String schema, FieldDetails details) {
    return new OutputTable(run(DocumentTask.extract("s.json", schema, details)), new StructType());
  }

  /** A row of an object that the model wrote, a token a character, each likelier than the last. */
  private static Row row(String document, String text, FinishReason reason) {
    List<TokenProbability> tokens = new ArrayList<>();
    for (int i = 0; i < text.length(); i++) {
      tokens.add(new TokenProbability(i, i + 1, i / 100.0));
    }
    Completion completion = new Completion(text, List.of(), reason, tokens);
    OutputTable table = table(NESTED, new FieldDetails(true, true));
    Stats stats = new Stats(0, 0, 0, 0, 0, 0, List.of());
    Row row =
        table.ok(
            new Document("id", "source", document, null, null, RowFactory.create()),
            new Result(List.of(completion), 1, 1, stats));
    return new GenericRowWithSchema(
        IntStream.range(0, row.size()).mapToObj(row::get).toArray(), table.schema());
  }

  @Test
  void eachValueOfAnObjectHasItsOwnConfidenceAndEvidence() {
    String text = "{\"cats\":3,\"owner\":{\"name\":\"Lily\"},\"tags\":[\"pet\",\"cat\"]}";
    Row row = row("Lily, a girl, has 3 cats. A cat!", text, FinishReason.SCHEMA);
    Row fields = row.getAs("fields");
    assertThat(fields.getLong(0)).isEqualTo(3);
    assertThat(fields.getStruct(1)).isEqualTo(RowFactory.create("Lily"));
    assertThat((Object[]) fields.get(2)).containsExactly("pet", "cat");
    // Means of the tokens of 3, "Lily", "pet" and "cat".
    Row confidence = row.getAs("confidence");
    assertThat(confidence.getDouble(0)).isEqualTo(0.08);
    assertThat(confidence.getStruct(1).getDouble(0)).isCloseTo(0.285, within(1e-9));
    assertThat((Object[]) confidence.get(2))
        .satisfiesExactly(
            first -> assertThat((double) first).isCloseTo(0.44, within(1e-9)),
            second -> assertThat((double) second).isCloseTo(0.50, within(1e-9)));
    Row evidence = row.getAs("evidence");
    assertThat(evidence.getStruct(0)).isEqualTo(RowFactory.create(18, 19));
    assertThat(evidence.getStruct(1).getStruct(0)).isEqualTo(RowFactory.create(0, 4));
    assertThat((Object[]) evidence.get(2)).containsExactly(null, RowFactory.create(28, 31));
    assertThat(row.<Object>getAs("notes")).isNull();
  }

  @Test
  void ofAnObjectThatWasCutThereIsWhatWasWhole() {
    String text = "{\"cats\":3,\"owner\":{\"name\":\"Lily\"},\"tags\":[\"pet\",\"ca";
    Row row = row("Lily has 3 cats.", text, FinishReason.LENGTH);
    assertThat(row.<Row>getAs("fields"))
        .isEqualTo(RowFactory.create(3L, RowFactory.create("Lily"), null));
    assertThat(row.<Row>getAs("confidence").get(2)).isNull();
    assertThat(row.getJavaMap(row.fieldIndex("notes")))
        .isEqualTo(
            Map.of(
                "*",
                "the answer reached --max-new-tokens at /tags/1; what was not whole by then is null"));
  }

  @Test
  void keptColumnsComeLast() {
    StructType kept = new StructType().add("page", DataTypes.IntegerType);
    StructType schema = new OutputTable(run(new DocumentTask.Summarize("Sum up.")), kept).schema();
    assertThat(columns(schema)).endsWith("created_at timestamp, page int");
  }

  private static Run run(DocumentTask task) {
    return Run.start(
        task,
        new EngineSpec(
            "m",
            "sha256:0",
            "c",
            "cpu",
            0,
            0,
            CacheOptions.FULL,
            PrefillOptions.FULL,
            0,
            1024,
            WeightType.AUTO),
        "m",
        new Generation(8, 0, 1, 0, 0, List.of()),
        new Policy(PrefillOptions.FULL, CacheOptions.FULL.resolve(512, false)),
        DocumentLimits.NONE);
  }

  private static String columns(StructType schema) {
    return String.join(
        ", ",
        List.of(schema.fields()).stream()
            .map(field -> field.name() + " " + field.dataType().catalogString())
            .toList());
  }
}
