package dev.lowpass.udfs;

import static org.apache.spark.sql.types.DataTypes.BooleanType;
import static org.apache.spark.sql.types.DataTypes.DateType;
import static org.apache.spark.sql.types.DataTypes.DoubleType;
import static org.apache.spark.sql.types.DataTypes.LongType;
import static org.apache.spark.sql.types.DataTypes.StringType;

import dev.lowpass.pipeline.engine.Completion;
import dev.lowpass.pipeline.text.Evidence;
import dev.lowpass.pipeline.text.ExtractionField;
import java.sql.Date;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;

/** Fields, each of which was asked for by a question of its own. */
final class QuestionColumns implements AnswerColumns {
  private final List<ExtractionField> fields;
  private final FieldDetails details;

  QuestionColumns(List<ExtractionField> fields, FieldDetails details) {
    this.fields = fields;
    this.details = details;
  }

  @Override
  public StructType columns() {
    return AnswerColumns.columns(
        columns(QuestionColumns::type), columns(of -> DoubleType), columns(of -> SPAN), details);
  }

  private StructType columns(Function<ExtractionField, DataType> types) {
    StructType columns = new StructType();
    for (ExtractionField field : fields) {
      columns = columns.add(field.name(), types.apply(field));
    }
    return columns;
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

  @Override
  public List<Object> values(String document, List<Completion> completions) {
    Evidence evidence = new Evidence(document);
    Object[] values = new Object[fields.size()];
    Object[] confidences = new Object[fields.size()];
    Object[] spans = new Object[fields.size()];
    Map<String, String> notes = new LinkedHashMap<>();
    for (int i = 0; i < values.length; i++) {
      ExtractionField field = fields.get(i);
      Completion answer = completions.get(i);
      ExtractionField.Value value = field.parse(answer.text());
      values[i] = value.value() instanceof LocalDate date ? Date.valueOf(date) : value.value();
      if (value.note() != null) {
        notes.put(field.name(), value.note());
      }
      if (details.confidence()) {
        confidences[i] = answer.confidence();
      }
      if (details.evidence()) {
        spans[i] =
            AnswerColumns.span(
                evidence.of(value.value(), answer.text(), field.name() + " " + field.question()));
      }
    }
    List<Object> columns = new ArrayList<>();
    columns.add(RowFactory.create(values));
    if (details.confidence()) {
      columns.add(RowFactory.create(confidences));
    }
    if (details.evidence()) {
      columns.add(RowFactory.create(spans));
    }
    columns.add(AnswerColumns.notes(notes));
    return columns;
  }
}
