package dev.lowpass.udfs;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** Spark's rows of the instances of a JSON Schema. */
final class SchemaRows {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

  private SchemaRows() {}

  static StructType columns(Struct struct) {
    StructType columns = new StructType();
    for (Field field : struct.fields()) {
      columns = columns.add(field.name(), type(field.type()));
    }
    return columns;
  }

  private static DataType type(SchemaType type) {
    if (type instanceof Struct struct) {
      return columns(struct);
    }
    if (type instanceof ListOf list) {
      return DataTypes.createArrayType(type(list.element()));
    }
    if (type instanceof Decimal decimal) {
      return DataTypes.createDecimalType(decimal.precision(), decimal.scale());
    }
    return switch ((Scalar) type) {
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
    try {
      return row(struct, JSON.readTree(instance));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("what satisfies a schema is JSON", e);
    }
  }

  private static Row row(Struct struct, JsonNode object) {
    return RowFactory.create(
        struct.fields().stream()
            .map(field -> value(field.type(), object.path(field.name())))
            .toArray());
  }

  private static Object value(SchemaType type, JsonNode json) {
    if (json.isMissingNode() || json.isNull()) {
      return null;
    }
    if (type instanceof Struct struct) {
      return row(struct, json);
    }
    if (type instanceof ListOf list) {
      Object[] values = new Object[json.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = value(list.element(), json.get(i));
      }
      return values;
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
