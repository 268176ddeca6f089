package dev.lowpass.udfs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
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
        .isEqualTo("doc_id string, source string, status string, output string," + REST);
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
            "doc_id string, source string, status string,"
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
  void keptColumnsComeLast() {
    StructType kept = new StructType().add("page", DataTypes.IntegerType);
    StructType schema = new OutputTable(run(new DocumentTask.Summarize("Sum up.")), kept).schema();
    assertThat(columns(schema)).endsWith("created_at timestamp, page int");
  }

  private static Run run(DocumentTask task) {
    return Run.start(
        task,
        new EngineSpec(
            "m", "sha256:0", "c", "cpu", 0, 0, CacheOptions.FULL, PrefillOptions.FULL, 0, 1024),
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
