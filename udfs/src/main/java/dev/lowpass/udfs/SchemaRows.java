package dev.lowpass.udfs;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lowpass.pipeline.schema.SchemaType;
import dev.lowpass.pipeline.schema.SchemaType.Decimal;
import dev.lowpass.pipeline.schema.SchemaType.Field;
import dev.lowpass.pipeline.schema.SchemaType.ListOf;
import dev.lowpass.pipeline.schema.SchemaType.Scalar;
import dev.lowpass.pipeline.schema.SchemaType.Struct;
import java.math.RoundingMode;
import java.sql.Date;
import java.sql.Timestamp;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.function.Function;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Spark's rows of the instances of a JSON Schema, and rows of the same shape that have something
 * else in the place of each scalar.
 */
final class SchemaRows {
  /** What a row has in the place of a scalar, null included. */
  interface Cell {
    /**
     * Its content.
     *
     * @param called the names and descriptions of the properties that lead to it
     */
    Object of(SchemaType type, JsonAnswer.Part scalar, String called);
  }

  private SchemaRows() {}

  static StructType columns(Struct struct) {
    return columns(struct, SchemaRows::type);
  }

  /** The columns of rows with something else in the place of each scalar. */
  static StructType columns(Struct struct, Function<SchemaType, DataType> scalars) {
    StructType columns = new StructType();
    for (Field field : struct.fields()) {
      columns = columns.add(field.name(), type(field.type(), scalars));
    }
    return columns;
  }

  private static DataType type(SchemaType type, Function<SchemaType, DataType> scalars) {
    if (type instanceof Struct struct) {
      return columns(struct, scalars);
    }
    return type instanceof ListOf list
        ? DataTypes.createArrayType(type(list.element(), scalars))
        : scalars.apply(type);
  }

  private static DataType type(SchemaType scalar) {
    if (scalar instanceof Decimal decimal) {
      return DataTypes.createDecimalType(decimal.precision(), decimal.scale());
    }
    return switch ((Scalar) scalar) {
      case STRING -> DataTypes.StringType;
      case INTEGER -> DataTypes.LongType;
      case NUMBER -> DataTypes.DoubleType;
      case BOOLEAN -> DataTypes.BooleanType;
      case DATE -> DataTypes.DateType;
      case TIMESTAMP -> DataTypes.TimestampType;
    };
  }

  /** The row of an instance. */
  static Row row(Struct struct, String instance) {
    return row(struct, JsonAnswer.of(instance).object());
  }

  /** The row of an instance, or of what there is of one. */
  static Row row(Struct struct, JsonAnswer.Part object) {
    return row(struct, object, (type, scalar, called) -> value(type, scalar.scalar()), "");
  }

  /** A row of that shape. */
  static Row row(Struct struct, JsonAnswer.Part object, Cell cells) {
    return row(struct, object, cells, "");
  }

  private static Row row(Struct struct, JsonAnswer.Part object, Cell cells, String called) {
    return RowFactory.create(
        struct.fields().stream()
            .map(
                field ->
                    cell(
                        field.type(),
                        object.members().get(field.name()),
                        cells,
                        called + field.name() + " " + field.description() + " "))
            .toArray());
  }

  private static Object cell(SchemaType type, JsonAnswer.Part part, Cell cells, String called) {
    boolean missing = part == null || part.isNull();
    if (type instanceof Struct struct) {
      return missing ? null : row(struct, part, cells, called);
    }
    if (type instanceof ListOf list) {
      return missing
          ? null
          : part.elements().stream()
              .map(element -> cell(list.element(), element, cells, called))
              .toArray();
    }
    return part == null ? null : cells.of(type, part, called);
  }

  /** The value of a column. */
  static Object value(SchemaType type, JsonNode json) {
    if (json.isNull()) {
      return null;
    }
    if (type instanceof Decimal decimal) {
      return json.decimalValue().setScale(decimal.scale(), RoundingMode.UNNECESSARY);
    }
    return switch ((Scalar) type) {
      case STRING -> json.textValue();
      case INTEGER -> json.longValue();
      case NUMBER -> json.doubleValue();
      case BOOLEAN -> json.booleanValue();
      case DATE -> Date.valueOf(LocalDate.parse(json.textValue()));
      case TIMESTAMP -> Timestamp.from(OffsetDateTime.parse(json.textValue()).toInstant());
    };
  }
}
