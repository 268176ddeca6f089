package dev.lowpass.pipeline.schema;

import dev.lowpass.pipeline.model.ModelException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What a table's column is that takes the values of a schema. Any value may be null. */
public sealed interface SchemaType extends Serializable {
  /** A column of one value. */
  enum Scalar implements SchemaType {
    STRING,
    /** Of 64 bits. */
    INTEGER,
    /** A double. */
    NUMBER,
    BOOLEAN,
    /** A string of format {@code date}. */
    DATE,
    /** A string of format {@code date-time}. */
    TIMESTAMP
  }

  /**
   * A number that is a multiple of 1, 0.1, 0.01 and so on: {@code scale} digits after the point.
   */
  record Decimal(int scale) implements SchemaType {
    /** All digits that it may have. */
    public int precision() {
      return Decimals.MAX_INTEGER_DIGITS + scale;
    }
  }

  record ListOf(SchemaType element) implements SchemaType {}

  record Struct(List<Field> fields) implements SchemaType {
    public Struct {
      fields = List.copyOf(fields);
    }
  }

  /**
   * A column of a struct.
   *
   * @param description of the property, empty where it has none
   */
  record Field(String name, SchemaType type, String description) implements Serializable {}

  /** What a value is, in words that a model can follow. */
  default String outline() {
    if (this instanceof Struct struct) {
      return struct.fields().stream()
          .map(
              field ->
                  '"'
                      + JsonText.escaped(field.name())
                      + "\": "
                      + field.type().outline()
                      + (field.description().isEmpty() ? "" : " (" + field.description() + ")"))
          .collect(Collectors.joining(", ", "{", "}"));
    }
    if (this instanceof ListOf list) {
      return "[" + list.element().outline() + ", ...]";
    }
    if (!(this instanceof Scalar scalar)) {
      return "number";
    }
    return switch (scalar) {
      case STRING -> "text";
      case INTEGER -> "whole number";
      case NUMBER -> "number";
      case BOOLEAN -> "true or false";
      case DATE -> "date as YYYY-MM-DD";
      case TIMESTAMP -> "date and time as YYYY-MM-DDThh:mm:ssZ";
    };
  }

  /**
   * The type of the rows that take the instances of a schema.
   *
   * @param name what to call it in errors
   * @throws ModelException if it is not supported, or has no such type: one that contains itself,
   *     or alternatives of several types
   */
  static Struct of(String name, String schema) {
    SchemaCompiler.compile(name, schema, Absence.NULL, new Expressions());
    SchemaNode root = SchemaNode.read(name, schema);
    if (Reader.read(root, Set.of()).orElse(null) instanceof Struct struct) {
      return struct;
    }
    throw root.fault("what is extracted must be an object");
  }

  /** Reads types of schemas that compile. */
  final class Reader {
    private static final Pattern COLUMN_NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_]*");
    private static final Set<SchemaType> NUMBERS = Set.of(Scalar.INTEGER, Scalar.NUMBER);

    private Reader() {}

    /** The type of a schema; empty where it is always null. */
    private static Optional<SchemaType> read(SchemaNode schema, Set<String> within) {
      if (within.contains(schema.pointer())) {
        throw schema.fault("a schema that contains itself has no column type");
      }
      Set<String> inner = new HashSet<>(within);
      inner.add(schema.pointer());
      List<SchemaType> types = new ArrayList<>();
      if (schema.has("$ref")) {
        return read(schema.target(), inner);
      } else if (schema.has("anyOf") || schema.has("oneOf")) {
        for (SchemaNode one : schema.children(schema.has("anyOf") ? "anyOf" : "oneOf")) {
          read(one, inner).ifPresent(types::add);
        }
      } else if (schema.has("type") || !(schema.has("enum") || schema.has("const"))) {
        for (String type : SchemaCompiler.types(schema)) {
          if (!type.equals("null")) {
            types.add(typed(type, schema, inner));
          }
        }
      } else {
        for (var value : schema.listed()) {
          switch (value.getNodeType()) {
            case STRING -> types.add(Scalar.STRING);
            case BOOLEAN -> types.add(Scalar.BOOLEAN);
            case NUMBER -> types.add(value.isIntegralNumber() ? Scalar.INTEGER : Scalar.NUMBER);
            case NULL -> {}
            default -> throw schema.fault("'enum' of objects or arrays has no column type");
          }
        }
      }
      return types.stream()
          .reduce(
              (one, other) -> {
                if (one.equals(other)) {
                  return one;
                }
                if (NUMBERS.contains(one) && NUMBERS.contains(other)) {
                  return Scalar.NUMBER;
                }
                throw schema.fault("values of several types have no one column type");
              });
    }

    private static SchemaType typed(String type, SchemaNode schema, Set<String> within) {
      return switch (type) {
        case "object" -> struct(schema, within);
        case "array" -> new ListOf(present(schema.child("items"), within));
        case "integer" -> Scalar.INTEGER;
        case "boolean" -> Scalar.BOOLEAN;
        case "string" ->
            switch (schema.text("format")) {
              case "date" -> Scalar.DATE;
              case "date-time" -> Scalar.TIMESTAMP;
              default -> Scalar.STRING;
            };
        default ->
            schema
                .number("multipleOf")
                .<SchemaType>map(step -> new Decimal(step.stripTrailingZeros().scale()))
                .orElse(Scalar.NUMBER);
      };
    }

    private static Struct struct(SchemaNode schema, Set<String> within) {
      List<Field> fields = new ArrayList<>();
      Set<String> names = new HashSet<>();
      for (Map.Entry<String, SchemaNode> property : schema.properties().entrySet()) {
        if (!COLUMN_NAME.matcher(property.getKey()).matches()) {
          throw property
              .getValue()
              .fault("its name cannot be a column's; use letters, digits and underscores");
        }
        if (!names.add(property.getKey().toLowerCase(Locale.ROOT))) {
          throw property.getValue().fault("it differs from another property only in its case");
        }
        fields.add(
            new Field(
                property.getKey(),
                present(property.getValue(), within),
                property.getValue().text("description").strip()));
      }
      return new Struct(fields);
    }

    private static SchemaType present(SchemaNode schema, Set<String> within) {
      return read(schema, within)
          .orElseThrow(() -> schema.fault("what is always null has no column type"));
    }
  }
}
