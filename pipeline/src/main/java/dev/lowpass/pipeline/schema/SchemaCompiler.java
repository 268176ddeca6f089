package dev.lowpass.pipeline.schema;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.schema.Decimals.Bound;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Compiles a JSON Schema (draft 2020-12) to the language of its instances, as {@link JsonText}
 * spells them. A keyword that is not supported is refused; README.md lists those that are.
 */
final class SchemaCompiler {
  /** Keywords that constrain nothing. */
  private static final Set<String> ANNOTATIONS =
      Set.of(
          "$schema",
          "$id",
          "$comment",
          "$defs",
          "definitions",
          "title",
          "description",
          "default",
          "examples",
          "deprecated",
          "readOnly",
          "writeOnly");

  /** The keywords of each type; a schema without {@code type} has that of its keywords. */
  private static final Map<String, Set<String>> KEYWORDS =
      Map.of(
          "object", Set.of("properties", "required", "additionalProperties"),
          "array", Set.of("items", "minItems", "maxItems"),
          "string", Set.of("minLength", "maxLength", "pattern", "format"),
          "number",
              Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
          "integer", Set.of(),
          "boolean", Set.of(),
          "null", Set.of());

  private static final Set<String> GENERAL =
      Set.of("type", "enum", "const", "$ref", "anyOf", "oneOf");

  private final Absence absence;
  private final Expressions expressions;
  private final Decimals decimals;
  private final Expression character;

  /** By JSON pointer; while one is compiled, a reference that stands for it. */
  private final Map<String, Expression> definitions = new HashMap<>();

  private final Set<Expression> recursive = new HashSet<>();

  /** What can only be asked when all references have their targets. */
  private final List<Runnable> checks = new ArrayList<>();

  private SchemaCompiler(Absence absence, Expressions expressions) {
    this.absence = absence;
    this.expressions = expressions;
    this.decimals = new Decimals(expressions);
    this.character = JsonText.character(CodePoints.ALL, expressions);
  }

  /**
   * Compiles a schema.
   *
   * @param name what to call it in errors, such as its file's name
   * @throws ModelException in one line that names the schema, the JSON pointer and the keyword
   */
  static Expression compile(String name, String json, Absence absence, Expressions expressions) {
    SchemaNode root = SchemaNode.read(name, json);
    SchemaCompiler compiler = new SchemaCompiler(absence, expressions);
    Expression language = compiler.definition(root);
    References.check(compiler.recursive)
        .ifPresent(
            message -> {
              throw root.fault(message);
            });
    compiler.checks.forEach(Runnable::run);
    return language;
  }

  /** A schema that may be referred to, compiled once. */
  private Expression definition(SchemaNode schema) {
    Expression known = definitions.get(schema.pointer());
    if (known != null) {
      if (known.kind == Expression.Kind.REFERENCE && known.target == null) {
        recursive.add(known);
      }
      return known;
    }
    Expression reference = expressions.reference();
    definitions.put(schema.pointer(), reference);
    Expression definition = value(schema);
    if (recursive.contains(reference)) {
      reference.target = definition;
      return reference;
    }
    definitions.put(schema.pointer(), definition);
    return definition;
  }

  private Expression value(SchemaNode schema) {
    if (!schema.isObject()) {
      throw schema.fault("a schema must be a JSON object that names a type");
    }
    for (String keyword : schema.keywords()) {
      if (!ANNOTATIONS.contains(keyword)
          && !GENERAL.contains(keyword)
          && KEYWORDS.values().stream().noneMatch(of -> of.contains(keyword))) {
        throw schema.fault(keyword, "keyword '" + keyword + "' is not supported");
      }
    }
    Expression value;
    if (schema.has("$ref")) {
      alone(schema, "$ref");
      value = definition(schema.target());
    } else if (schema.has("anyOf")) {
      value = expressions.union(alternatives(schema, "anyOf"));
    } else if (schema.has("oneOf")) {
      value = oneOf(schema);
    } else if (schema.has("enum") || schema.has("const")) {
      value = listed(schema);
    } else {
      value = typed(schema, types(schema));
    }
    if (value == expressions.nothing()) {
      throw schema.fault("no value can satisfy this schema");
    }
    return value;
  }

  private List<Expression> alternatives(SchemaNode schema, String keyword) {
    alone(schema, keyword);
    return schema.children(keyword).stream().map(this::value).toList();
  }

  /** Alternatives of which no value satisfies two. */
  private Expression oneOf(SchemaNode schema) {
    List<Expression> alternatives = alternatives(schema, "oneOf");
    checks.add(
        () -> {
          for (int i = 0; i < alternatives.size(); i++) {
            for (int j = 0; j < i; j++) {
              if (overlap(alternatives.get(j), alternatives.get(i))) {
                throw schema.fault(
                    "oneOf",
                    "alternatives %d and %d of 'oneOf' may have a value in common; use 'anyOf'"
                        .formatted(j, i));
              }
            }
          }
        });
    return expressions.union(alternatives);
  }

  private boolean overlap(Expression one, Expression other) {
    // Whether a value of one schema satisfies the other is not known for objects and arrays: it may
    // do so in an order or with properties in which the other would not write it.
    for (char open : new char[] {'{', '['}) {
      if (expressions.row(one)[open] != null && expressions.row(other)[open] != null) {
        return true;
      }
    }
    return expressions.intersection(one, other) != expressions.nothing();
  }

  private static void alone(SchemaNode schema, String keyword) {
    for (String other : schema.keywords()) {
      if (!other.equals(keyword) && !ANNOTATIONS.contains(other)) {
        throw schema.fault("'" + other + "' beside '" + keyword + "' is not supported");
      }
    }
  }

  /** The values of {@code enum} and {@code const} that satisfy the other keywords. */
  private Expression listed(SchemaNode schema) {
    boolean bare = KEYWORDS.values().stream().flatMap(Set::stream).noneMatch(schema::has);
    Set<String> types = bare && !schema.has("type") ? KEYWORDS.keySet() : types(schema);
    Expression others = bare ? null : typed(schema, types);
    Set<String> spellings = new LinkedHashSet<>();
    for (JsonNode value : schema.listed()) {
      String spelling = JsonText.of(value);
      if (!bare && value.isContainerNode()) {
        throw schema.fault("objects and arrays in 'enum' cannot have keywords beside them");
      }
      if ((!schema.has("const") || spelling.equals(JsonText.of(schema.get("const"))))
          && types.stream().anyMatch(type -> isOf(type, value))
          && (bare || expressions.accepts(others, spelling.getBytes(StandardCharsets.UTF_8)))) {
        spellings.add(spelling);
      }
    }
    return expressions.union(spellings.stream().map(expressions::literal).toList());
  }

  private static boolean isOf(String type, JsonNode value) {
    return switch (type) {
      case "object" -> value.isObject();
      case "array" -> value.isArray();
      case "string" -> value.isTextual();
      case "number" -> value.isNumber();
      case "integer" -> value.isNumber() && value.decimalValue().stripTrailingZeros().scale() <= 0;
      case "boolean" -> value.isBoolean();
      default -> value.isNull();
    };
  }

  /** The types that a schema names, or the one that its keywords belong to. */
  static Set<String> types(SchemaNode schema) {
    Set<String> types = new LinkedHashSet<>();
    if (!schema.has("type")) {
      KEYWORDS.forEach(
          (type, keywords) -> {
            if (keywords.stream().anyMatch(schema::has)) {
              types.add(type);
            }
          });
      if (types.size() != 1) {
        throw schema.fault("it needs a 'type'");
      }
      return types;
    }
    JsonNode declared = schema.get("type");
    for (JsonNode type : declared.isArray() ? declared : List.of(declared)) {
      if (!KEYWORDS.containsKey(type.asText())) {
        throw schema.fault("type", "there is no type '" + type.asText() + "'");
      }
      types.add(type.asText());
    }
    return types;
  }

  private Expression typed(SchemaNode schema, Set<String> types) {
    List<Expression> languages = new ArrayList<>();
    for (String type : types) {
      languages.add(
          switch (type) {
            case "object" -> object(schema);
            case "array" -> array(schema);
            case "string" -> string(schema);
            case "number" -> number(schema, Decimals.MAX_FRACTION_DIGITS);
            case "integer" -> number(schema, 0);
            case "boolean" ->
                expressions.union(expressions.literal("true"), expressions.literal("false"));
            default -> expressions.literal("null");
          });
    }
    return expressions.union(languages);
  }

  /** Properties in the schema's order; those that are not required may be left out. */
  private Expression object(SchemaNode schema) {
    Map<String, SchemaNode> properties = schema.properties();
    Set<String> required = schema.required();
    if (schema.has("additionalProperties") && !schema.get("additionalProperties").isBoolean()) {
      throw schema.fault(
          "additionalProperties",
          "'additionalProperties' can only be true or false: only 'properties' are written");
    }
    List<String> names = new ArrayList<>(properties.keySet());
    Expression close = expressions.literal("}");
    // What may follow where no property was written yet, and where one was.
    Expression first = close;
    Expression later = close;
    for (int i = names.size() - 1; i >= 0; i--) {
      String property = names.get(i);
      boolean optional = !required.contains(property);
      Expression value = value(properties.get(property));
      if (optional && absence == Absence.NULL) {
        value = expressions.union(value, expressions.literal("null"));
        optional = false;
      }
      Expression member =
          expressions.sequence(
              expressions.literal('"' + JsonText.escaped(property) + "\":"), value);
      Expression writtenFirst = expressions.sequence(member, later);
      Expression writtenLater = expressions.sequence(expressions.literal(","), writtenFirst);
      first = optional ? expressions.union(writtenFirst, first) : writtenFirst;
      later = optional ? expressions.union(writtenLater, later) : writtenLater;
    }
    return expressions.sequence(expressions.literal("{"), first);
  }

  private Expression array(SchemaNode schema) {
    int min = schema.size("minItems", 0);
    int max = schema.size("maxItems", Expression.UNBOUNDED);
    if (!schema.has("items") && max > 0) {
      throw schema.fault("an array needs 'items'");
    }
    Expression none = min == 0 ? expressions.literal("[]") : expressions.nothing();
    if (max == 0 || min > max) {
      return none;
    }
    Expression item = value(schema.child("items"));
    Expression others =
        expressions.repetition(
            expressions.sequence(expressions.literal(","), item),
            Math.max(0, min - 1),
            max == Expression.UNBOUNDED ? max : max - 1);
    Expression some =
        expressions.sequence(
            expressions.literal("["), expressions.sequence(item, others, expressions.literal("]")));
    return expressions.union(none, some);
  }

  private Expression string(SchemaNode schema) {
    List<Expression> conditions = new ArrayList<>();
    if (schema.has("pattern")) {
      try {
        conditions.add(PatternParser.parse(schema.text("pattern"), expressions));
      } catch (PatternParser.PatternException e) {
        throw schema.fault("pattern", e.getMessage());
      }
    }
    if (schema.has("format")) {
      String format = schema.text("format");
      String pattern =
          Formats.pattern(format)
              .orElseThrow(
                  () -> schema.fault("format", "format '" + format + "' is not supported"));
      conditions.add(PatternParser.parse(pattern, expressions));
    }
    int min = schema.size("minLength", 0);
    int max = schema.size("maxLength", Expression.UNBOUNDED);
    if (min > max) {
      return expressions.nothing();
    }
    if (conditions.isEmpty() || schema.has("minLength") || schema.has("maxLength")) {
      conditions.add(expressions.repetition(character, min, max));
    }
    Expression quote = expressions.literal("\"");
    return expressions.sequence(quote, expressions.intersection(conditions), quote);
  }

  private Expression number(SchemaNode schema, int fractionDigits) {
    Bound lower = tighter(bound(schema, "minimum"), bound(schema, "exclusiveMinimum"), 1);
    Bound upper = tighter(bound(schema, "maximum"), bound(schema, "exclusiveMaximum"), -1);
    int digits = fractionDigits;
    if (fractionDigits == 0) {
      lower = tighter(lower, new Bound(BigDecimal.valueOf(Long.MIN_VALUE), false), 1);
      upper = tighter(upper, new Bound(BigDecimal.valueOf(Long.MAX_VALUE), false), -1);
    }
    if (schema.has("multipleOf")) {
      BigDecimal step = schema.number("multipleOf").orElseThrow().stripTrailingZeros();
      if (!step.unscaledValue().equals(BigInteger.ONE) || step.scale() < 0) {
        throw schema.fault("multipleOf", "'multipleOf' is only supported for 1, 0.1, 0.01, ...");
      }
      digits = Math.min(digits, step.scale());
    }
    return decimals.between(lower, upper, digits);
  }

  private static Bound bound(SchemaNode schema, String keyword) {
    return schema
        .number(keyword)
        .map(value -> new Bound(value, /* exclusive= */ keyword.startsWith("exclusive")))
        .orElse(null);
  }

  /** Of two bounds the one further in the direction of {@code sign}; null where there is none. */
  private static Bound tighter(Bound one, Bound other, int sign) {
    if (one == null || other == null) {
      return one == null ? other : one;
    }
    int order = one.value().compareTo(other.value()) * sign;
    return order > 0 || (order == 0 && one.exclusive()) ? one : other;
  }
}
