package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.Completion;
import dev.lowpass.pipeline.text.Evidence;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import scala.jdk.javaapi.CollectionConverters;

/** The columns of an {@link OutputTable} that hold what its task asked for. */
interface AnswerColumns {
  String OUTPUT = "output";
  String FIELDS = "fields";

  /** A double in the place of each of the fields' scalars. */
  String CONFIDENCE = "confidence";

  /** A {@link #SPAN} in the place of each of the fields' scalars. */
  String EVIDENCE = "evidence";

  String NOTES = "notes";

  /** All that there are, of all tasks. */
  List<String> NAMES = List.of(OUTPUT, FIELDS, CONFIDENCE, EVIDENCE, NOTES);

  /** Code points {@code [begin, end)} of the document's text. */
  DataType SPAN =
      new StructType().add("begin", DataTypes.IntegerType).add("end", DataTypes.IntegerType);

  /** Those of a task. */
  static AnswerColumns of(DocumentTask task) {
    if (task instanceof DocumentTask.Extract extract) {
      return new QuestionColumns(extract.fields(), extract.details());
    }
    return task instanceof DocumentTask.ExtractObject extract
        ? new ObjectColumns(extract.type(), extract.details())
        : new OutputColumn();
  }

  StructType columns();

  /** Their values, in the columns' order. */
  List<Object> values(String document, List<Completion> completions);

  /** The columns of fields with what is told of them. */
  static StructType columns(
      StructType fields, StructType confidence, StructType evidence, FieldDetails details) {
    StructType columns = new StructType().add(FIELDS, fields);
    columns = details.confidence() ? columns.add(CONFIDENCE, confidence) : columns;
    columns = details.evidence() ? columns.add(EVIDENCE, evidence) : columns;
    return columns.add(
        NOTES, DataTypes.createMapType(DataTypes.StringType, DataTypes.StringType, false));
  }

  /** As Spark takes notes: null where there are none. */
  static Object notes(Map<String, String> notes) {
    return notes.isEmpty() ? null : CollectionConverters.asScala(notes);
  }

  /** A {@link #SPAN}; null where there is none. */
  static Row span(Optional<Evidence.Span> span) {
    return span.map(found -> RowFactory.create(found.begin(), found.end())).orElse(null);
  }

  /** A completion as it is. */
  final class OutputColumn implements AnswerColumns {
    @Override
    public StructType columns() {
      return new StructType().add(OUTPUT, DataTypes.StringType);
    }

    @Override
    public List<Object> values(String document, List<Completion> completions) {
      return Arrays.asList(completions.get(0).text().strip());
    }
  }
}
