package dev.lowpass.pipeline.schema;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.schema.Decimals.Bound;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Compiles a JSON Schema (draft 2020-12) to the language of its instances, as {@link JsonText}
 * spells them. A keyword that is not supported is refused; README.md lists those that are.
 */
final class SchemaCompiler {
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

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

  private final String name;
  private final JsonNode root;
  private final Expressions expressions;
  private final Decimals decimals;
  private final Expression character;

  /** By JSON pointer; while one is compiled, a reference that stands for it. */
  private final Map<String, Expression> definitions = new HashMap<>();

  private final Set<Expression> recursive = new HashSet<>();

  /** What can only be asked when all references have their targets. */
  private final List<Runnable> checks = new ArrayList<>();

  private SchemaCompiler(String name, JsonNode root, Expressions expressions) {
    this.name = name;
    this.root = root;
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
  static Expression compile(String name, String json, Expressions expressions) {
    JsonNode root;
    try {
      root = JSON.readTree(json.startsWith("\ufeff") ? json.substring(1) : json);
    } catch (JsonProcessingException e) {
      throw new ModelException(name + ": not JSON: " + e.getOriginalMessage(), e);
    }
    SchemaCompiler compiler = new SchemaCompiler(name, root, expressions);
    Expression language = compiler.definition("");
    References.check(compiler.recursive)
        .ifPresent(
            message -> {
              throw compiler.fault("", message);
            });
    compiler.checks.forEach(Runnable::run);
    return language;
  }

  /** The schema at a JSON pointer, compiled once. */
  private Expression definition(String pointer) {
    Expression known = definitions.get(pointer);
    if (known != null) {
      if (known.kind == Expression.Kind.REFERENCE && known.target == null) {
        recursive.add(known);
      }
      return known;
    }
    Expression reference = expressions.reference();
    definitions.put(pointer, reference);
    Expression definition = value(root.at(pointer), pointer);
    if (recursive.contains(reference)) {
      reference.target = definition;
      return reference;
    }
    definitions.put(pointer, definition);
    return definition;
  }

  private Expression value(JsonNode schema, String at) {
    if (!schema.isObject()) {
      throw fault(at, "a schema must be a JSON object that names a type");
    }
    for (Iterator<String> keywords = schema.fieldNames(); keywords.hasNext(); ) {
      String keyword = keywords.next();
      if (!ANNOTATIONS.contains(keyword)
          && !GENERAL.contains(keyword)
          && KEYWORDS.values().stream().noneMatch(of -> of.contains(keyword))) {
        throw fault(at + "/" + keyword, "keyword '" + keyword + "' is not supported");
      }
    }
    Expression value;
    if (schema.has("$ref")) {
      value = reference(schema, at);
    } else if (schema.has("anyOf")) {
      value = expressions.union(alternatives(schema, at, "anyOf"));
    } else if (schema.has("oneOf")) {
      value = oneOf(schema, at);
    } else if (schema.has("enum") || schema.has("const")) {
      value = listed(schema, at);
    } else {
      value = typed(schema, types(schema, at), at);
    }
    if (value == expressions.nothing()) {
      throw fault(at, "no value can satisfy this schema");
    }
    return value;
  }

  private Expression reference(JsonNode schema, String at) {
    alone(schema, at, "$ref");
    String target = schema.get("$ref").asText();
    if (!target.equals("#") && !target.startsWith("#/")) {
      throw fault(at + "/$ref", "'$ref' can only be a JSON pointer into this schema ('#/...')");
    }
    String pointer =
        URLDecoder.decode(target.substring(1).replace("+", "%2B"), StandardCharsets.UTF_8);
    if (root.at(JsonPointer.compile(pointer)).isMissingNode()) {
      throw fault(at + "/$ref", "there is no '" + target + "'");
    }
    return definition(pointer);
  }

  private List<Expression> alternatives(JsonNode schema, String at, String keyword) {
    alone(schema, at, keyword);
    JsonNode list = schema.get(keyword);
    if (!list.isArray() || list.isEmpty()) {
      throw fault(at + "/" + keyword, "'" + keyword + "' must be a list of schemas");
    }
    List<Expression> alternatives = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      alternatives.add(value(list.get(i), at + "/" + keyword + "/" + i));
    }
    return alternatives;
  }

  /** Alternatives of which no value satisfies two. */
  private Expression oneOf(JsonNode schema, String at) {
    List<Expression> alternatives = alternatives(schema, at, "oneOf");
    checks.add(
        () -> {
          for (int i = 0; i < alternatives.size(); i++) {
            for (int j = 0; j < i; j++) {
              if (overlap(alternatives.get(j), alternatives.get(i))) {
                throw fault(
                    at + "/oneOf",
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

  private void alone(JsonNode schema, String at, String keyword) {
    for (Iterator<String> others = schema.fieldNames(); others.hasNext(); ) {
      String other = others.next();
      if (!other.equals(keyword) && !ANNOTATIONS.contains(other)) {
        throw fault(at, "'" + other + "' beside '" + keyword + "' is not supported");
      }
    }
  }

  /** The values of {@code enum} and {@code const} that satisfy the other keywords. */
  private Expression listed(JsonNode schema, String at) {
    JsonNode values =
        schema.has("enum") ? schema.get("enum") : JSON.createArrayNode().add(schema.get("const"));
    if (!values.isArray()) {
      throw fault(at + "/enum", "'enum' must be a list of values");
    }
    boolean bare = KEYWORDS.values().stream().flatMap(Set::stream).noneMatch(schema::has);
    Set<String> types = bare && !schema.has("type") ? KEYWORDS.keySet() : types(schema, at);
    Expression others = bare ? null : typed(schema, types, at);
    Set<String> spellings = new LinkedHashSet<>();
    for (JsonNode value : values) {
      String spelling = JsonText.of(value);
      if (!bare && value.isContainerNode()) {
        throw fault(at, "objects and arrays in 'enum' or 'const' cannot have keywords beside them");
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

  private Set<String> types(JsonNode schema, String at) {
    Set<String> types = new LinkedHashSet<>();
    if (!schema.has("type")) {
      KEYWORDS.forEach(
          (type, keywords) -> {
            if (keywords.stream().anyMatch(schema::has)) {
              types.add(type);
            }
          });
      if (types.size() != 1) {
        throw fault(at, "it needs a 'type'");
      }
      return types;
    }
    JsonNode declared = schema.get("type");
    for (JsonNode type : declared.isArray() ? declared : JSON.createArrayNode().add(declared)) {
      if (!KEYWORDS.containsKey(type.asText())) {
        throw fault(at + "/type", "there is no type '" + type.asText() + "'");
      }
      types.add(type.asText());
    }
    return types;
  }

  private Expression typed(JsonNode schema, Set<String> types, String at) {
    List<Expression> languages = new ArrayList<>();
    for (String type : types) {
      languages.add(
          switch (type) {
            case "object" -> object(schema, at);
            case "array" -> array(schema, at);
            case "string" -> string(schema, at);
            case "number" -> number(schema, at, Decimals.MAX_FRACTION_DIGITS);
            case "integer" -> number(schema, at, 0);
            case "boolean" ->
                expressions.union(expressions.literal("true"), expressions.literal("false"));
            default -> expressions.literal("null");
          });
    }
    return expressions.union(languages);
  }

  /** Properties in the schema's order; those that are not required may be left out. */
  private Expression object(JsonNode schema, String at) {
    JsonNode properties = schema.path("properties");
    if (!properties.isObject() || properties.isEmpty()) {
      throw fault(at, "an object needs 'properties': no others are written");
    }
    if (schema.path("additionalProperties").isContainerNode()) {
      throw fault(
          at + "/additionalProperties",
          "'additionalProperties' can only be true or false: only 'properties' are written");
    }
    Set<String> required = new HashSet<>();
    for (JsonNode property : schema.path("required")) {
      if (!properties.has(property.asText())) {
        throw fault(
            at + "/required", "'required' names '" + property.asText() + "', which is no property");
      }
      required.add(property.asText());
    }
    List<String> names = new ArrayList<>();
    properties.fieldNames().forEachRemaining(names::add);
    Expression close = expressions.literal("}");
    // What may follow where no property was written yet, and where one was.
    Expression first = close;
    Expression later = close;
    for (int i = names.size() - 1; i >= 0; i--) {
      String property = names.get(i);
      String pointer = at + "/properties/" + property.replace("~", "~0").replace("/", "~1");
      Expression member =
          expressions.sequence(
              expressions.literal('"' + JsonText.escaped(property) + "\":"),
              value(properties.get(property), pointer));
      Expression writtenFirst = expressions.sequence(member, later);
      Expression writtenLater = expressions.sequence(expressions.literal(","), writtenFirst);
      boolean optional = !required.contains(property);
      first = optional ? expressions.union(writtenFirst, first) : writtenFirst;
      later = optional ? expressions.union(writtenLater, later) : writtenLater;
    }
    return expressions.sequence(expressions.literal("{"), first);
  }

  private Expression array(JsonNode schema, String at) {
    int min = size(schema, at, "minItems", 0);
    int max = size(schema, at, "maxItems", Expression.UNBOUNDED);
    if (!schema.has("items") && max > 0) {
      throw fault(at, "an array needs 'items'");
    }
    Expression none = min == 0 ? expressions.literal("[]") : expressions.nothing();
    if (max == 0 || min > max) {
      return none;
    }
    Expression item = value(schema.get("items"), at + "/items");
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

  private Expression string(JsonNode schema, String at) {
    List<Expression> conditions = new ArrayList<>();
    if (schema.has("pattern")) {
      try {
        conditions.add(PatternParser.parse(schema.get("pattern").asText(), expressions));
      } catch (PatternParser.PatternException e) {
        throw fault(at + "/pattern", e.getMessage());
      }
    }
    if (schema.has("format")) {
      String format = schema.get("format").asText();
      String pattern =
          Formats.pattern(format)
              .orElseThrow(() -> fault(at + "/format", "format '" + format + "' is not supported"));
      conditions.add(PatternParser.parse(pattern, expressions));
    }
    int min = size(schema, at, "minLength", 0);
    int max = size(schema, at, "maxLength", Expression.UNBOUNDED);
    if (min > max) {
      return expressions.nothing();
    }
    if (conditions.isEmpty() || schema.has("minLength") || schema.has("maxLength")) {
      conditions.add(expressions.repetition(character, min, max));
    }
    Expression quote = expressions.literal("\"");
    return expressions.sequence(quote, expressions.intersection(conditions), quote);
  }

  private Expression number(JsonNode schema, String at, int fractionDigits) {
    Bound lower =
        tighter(
            bound(schema, at, "minimum", /* exclusive= */ false),
            bound(schema, at, "exclusiveMinimum", /* exclusive= */ true),
            1);
    Bound upper =
        tighter(
            bound(schema, at, "maximum", /* exclusive= */ false),
            bound(schema, at, "exclusiveMaximum", /* exclusive= */ true),
            -1);
    int digits = fractionDigits;
    if (fractionDigits == 0) {
      lower = tighter(lower, new Bound(BigDecimal.valueOf(Long.MIN_VALUE), false), 1);
      upper = tighter(upper, new Bound(BigDecimal.valueOf(Long.MAX_VALUE), false), -1);
    }
    if (schema.has("multipleOf")) {
      BigDecimal step = numeric(schema, at, "multipleOf").stripTrailingZeros();
      if (!step.unscaledValue().equals(BigInteger.ONE) || step.scale() < 0) {
        throw fault(at + "/multipleOf", "'multipleOf' is only supported for 1, 0.1, 0.01, ...");
      }
      digits = Math.min(digits, step.scale());
    }
    return decimals.between(lower, upper, digits);
  }

  /** Of two bounds the one further in the direction of {@code sign}; null where there is none. */
  private static Bound tighter(Bound one, Bound other, int sign) {
    if (one == null || other == null) {
      return one == null ? other : one;
    }
    int order = one.value().compareTo(other.value()) * sign;
    return order > 0 || order == 0 && one.exclusive() ? one : other;
  }

  private Bound bound(JsonNode schema, String at, String keyword, boolean exclusive) {
    return schema.has(keyword) ? new Bound(numeric(schema, at, keyword), exclusive) : null;
  }

  private BigDecimal numeric(JsonNode schema, String at, String keyword) {
    if (!schema.get(keyword).isNumber()) {
      throw fault(at + "/" + keyword, "'" + keyword + "' must be a number");
    }
    return schema.get(keyword).decimalValue();
  }

  private int size(JsonNode schema, String at, String keyword, int absent) {
    if (!schema.has(keyword)) {
      return absent;
    }
    BigDecimal size = numeric(schema, at, keyword).stripTrailingZeros();
    if (size.signum() < 0
        || size.scale() > 0
        || size.compareTo(BigDecimal.valueOf(Integer.MAX_VALUE)) >= 0) {
      throw fault(at + "/" + keyword, "'" + keyword + "' must be a whole number of at least 0");
    }
    return size.intValueExact();
  }

  private ModelException fault(String at, String message) {
    return new ModelException(name + ": #" + at + ": " + message);
  }
}
