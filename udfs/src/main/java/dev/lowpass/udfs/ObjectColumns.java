package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.Completion;
import dev.lowpass.pipeline.engine.FinishReason;
import dev.lowpass.pipeline.schema.SchemaType;
import dev.lowpass.pipeline.schema.SchemaType.Scalar;
import dev.lowpass.pipeline.text.Evidence;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Fields that were asked for as one object. Of an object that was cut short there is what was whole
 * by then, and a note.
 */
final class ObjectColumns implements AnswerColumns {
  private final SchemaType.Struct type;
  private final FieldDetails details;

  ObjectColumns(SchemaType.Struct type, FieldDetails details) {
    this.type = type;
    this.details = details;
  }

  @Override
  public StructType columns() {
    return AnswerColumns.columns(
        SchemaRows.columns(type),
        SchemaRows.columns(type, scalar -> DataTypes.DoubleType),
        SchemaRows.columns(type, scalar -> SPAN),
        details);
  }

  @Override
  public List<Object> values(String document, List<Completion> completions) {
    Completion completion = completions.get(0);
    JsonAnswer answer = JsonAnswer.of(completion.text());
    List<Object> columns = new ArrayList<>();
    columns.add(row(answer, (type, scalar, called) -> SchemaRows.value(type, scalar.scalar())));
    if (details.confidence()) {
      columns.add(
          row(
              answer,
              (type, scalar, called) -> completion.confidence(scalar.begin(), scalar.end())));
    }
    if (details.evidence()) {
      Evidence evidence = new Evidence(document);
      columns.add(
          row(
              answer,
              (type, scalar, called) ->
                  AnswerColumns.span(
                      evidence.of(value(type, scalar), scalar.scalar().asText(), called))));
    }
    columns.add(AnswerColumns.notes(notes(completion, answer)));
    return columns;
  }

  private Object row(JsonAnswer answer, SchemaRows.Cell cells) {
    return answer.object() == null ? null : SchemaRows.row(type, answer.object(), cells);
  }

  private static Map<String, String> notes(Completion completion, JsonAnswer answer) {
    if (completion.finishReason() == FinishReason.SCHEMA) {
      return Map.of();
    }
    String at = answer.cut() == null || answer.cut().isEmpty() ? "its end" : answer.cut();
    return Map.of(
        "*",
        "the answer reached --max-new-tokens at %s; what was not whole by then is null"
            .formatted(at));
  }

  /** The value as {@link Evidence} takes it. */
  private static Object value(SchemaType type, JsonAnswer.Part scalar) {
    if (scalar.isNull()) {
      return null;
    }
    if (type == Scalar.DATE) {
      return LocalDate.parse(scalar.scalar().textValue());
    }
    return type == Scalar.TIMESTAMP
        ? OffsetDateTime.parse(scalar.scalar().textValue())
        : SchemaRows.value(type, scalar.scalar());
  }
}
