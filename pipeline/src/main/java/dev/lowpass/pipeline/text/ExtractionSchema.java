package dev.lowpass.pipeline.text;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.text.ExtractionField.Kind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * What to extract: a JSON Schema of one object with scalar properties, each a column and a
 * question. A keyword that would constrain values in a way that is not checked is refused, never
 * ignored.
 */
public final class ExtractionSchema {
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private static final Set<String> ANNOTATIONS =
      Set.of("$schema", "$id", "$comment", "title", "description", "default", "examples");

  private static final Set<String> OBJECT_KEYWORDS =
      Set.of("type", "properties", "required", "additionalProperties");

  private static final Set<String> PROPERTY_KEYWORDS = Set.of("type", "enum", "format");

  private static final Map<String, Kind> KINDS =
      Map.of(
          "string", Kind.STRING,
          "integer", Kind.INTEGER,
          "number", Kind.NUMBER,
          "boolean", Kind.BOOLEAN);

  private final List<ExtractionField> fields;

  private ExtractionSchema(List<ExtractionField> fields) {
    this.fields = List.copyOf(fields);
  }

  /**
   * Reads a schema.
   *
   * @param name what to call it in errors, such as its file's name
   * @throws ModelException in one line that names the schema, the property and the keyword
   */
  public static ExtractionSchema parse(String name, String json) {
    return new Reader(name).read(json);
  }

  /** The fields, in the schema's order. */
  public List<ExtractionField> fields() {
    return fields;
  }

  /** The schema in its shortest form: all that can change an output, and nothing else. */
  public String canonicalJson() {
    ObjectNode root = JSON.createObjectNode().put("type", "object");
    ObjectNode properties = root.putObject("properties");
    ArrayNode required = root.putArray("required");
    for (ExtractionField field : fields) {
      ObjectNode property = properties.putObject(field.name());
      switch (field.kind()) {
        case ENUM -> field.choices().forEach(property.withArray("enum")::add);
        case DATE -> property.put("type", "string").put("format", "date");
        default -> property.put("type", field.kind().name().toLowerCase(Locale.ROOT));
      }
      property.put("description", field.question());
      if (field.required()) {
        required.add(field.name());
      }
    }
    return root.toString();
  }

  /** Reads one schema; every error names it. */
  private static final class Reader {
    private final String name;

    Reader(String name) {
      this.name = name;
    }

    ExtractionSchema read(String json) {
      JsonNode root;
      try {
        root = JSON.readTree(json.startsWith("\ufeff") ? json.substring(1) : json);
      } catch (JsonProcessingException e) {
        throw new ModelException(name + ": not JSON: " + e.getOriginalMessage() + position(e), e);
      }
      if (!root.isObject() || !root.path("type").asText("object").equals("object")) {
        throw fault("the schema must be a JSON object with 'type': 'object'");
      }
      onlyKeywords(root, OBJECT_KEYWORDS, "");
      JsonNode more = root.path("additionalProperties");
      if (!more.isMissingNode() && !more.isBoolean()) {
        throw fault(
            "'additionalProperties' can only be true or false; only 'properties' are asked");
      }
      JsonNode properties = root.path("properties");
      if (!properties.isObject() || properties.isEmpty()) {
        throw fault("the schema has no 'properties', so there is nothing to extract");
      }
      Set<String> required = required(root.path("required"), properties);
      List<ExtractionField> fields = new ArrayList<>();
      Set<String> columns = new HashSet<>();
      properties
          .fields()
          .forEachRemaining(
              entry -> {
                String property = entry.getKey();
                if (!property.matches("[\\p{L}_][\\p{L}\\p{N}_]*")) {
                  throw fault(
                      "property '"
                          + property
                          + "' cannot name a column; use letters, digits and underscores");
                }
                if (!columns.add(property.toLowerCase(Locale.ROOT))) {
                  throw fault(
                      "property '" + property + "' differs from another one only in its case");
                }
                fields.add(field(property, entry.getValue(), required.contains(property)));
              });
      return new ExtractionSchema(fields);
    }

    private static String position(JsonProcessingException e) {
      return e.getLocation() == null ? "" : " (line " + e.getLocation().getLineNr() + ")";
    }

    private Set<String> required(JsonNode list, JsonNode properties) {
      Set<String> required = new HashSet<>();
      if (!list.isMissingNode() && !list.isArray()) {
        throw fault("'required' must be a list of property names");
      }
      for (JsonNode property : list) {
        if (!property.isTextual() || !properties.has(property.asText())) {
          throw fault("'required' names '" + property.asText() + "', which is no property");
        }
        required.add(property.asText());
      }
      return required;
    }

    private ExtractionField field(String property, JsonNode schema, boolean required) {
      String where = "property '" + property + "': ";
      if (!schema.isObject()) {
        throw fault(where + "its schema must be a JSON object");
      }
      onlyKeywords(schema, PROPERTY_KEYWORDS, where);
      Set<String> types = types(schema, where);
      boolean nullable = types.remove("null");
      List<String> choices = new ArrayList<>();
      if (schema.has("enum")) {
        nullable |= choices(schema.get("enum"), choices, where);
      }
      if (types.size() > 1) {
        throw fault(where + "it can have one type besides 'null', not " + types);
      }
      String type = types.isEmpty() ? null : types.iterator().next();
      Kind kind = kind(schema, type, where);
      String question = schema.path("description").asText().strip();
      return new ExtractionField(
          property,
          kind,
          question.isEmpty() ? "What is the " + words(property) + "?" : question,
          choices,
          required && !nullable);
    }

    private Set<String> types(JsonNode schema, String where) {
      Set<String> types = new HashSet<>();
      JsonNode type = schema.path("type");
      for (JsonNode one : type.isArray() ? type : JSON.createArrayNode().add(type)) {
        if (one.isMissingNode()) {
          continue;
        }
        if (!one.asText().equals("null") && !KINDS.containsKey(one.asText())) {
          throw fault(
              where
                  + "type '"
                  + one.asText()
                  + "' is not supported yet; use string, integer, number or boolean");
        }
        types.add(one.asText());
      }
      return types;
    }

    private Kind kind(JsonNode schema, String type, String where) {
      if (schema.has("enum")) {
        if (type != null && !type.equals("string")) {
          throw fault(where + "an 'enum' of type '" + type + "' is not supported yet; use strings");
        }
        if (schema.has("format")) {
          throw fault(where + "'format' beside 'enum' is not supported; remove it");
        }
        return Kind.ENUM;
      }
      if (type == null) {
        throw fault(where + "it needs a 'type' or an 'enum'");
      }
      if (!schema.has("format")) {
        return KINDS.get(type);
      }
      if (!type.equals("string") || !schema.get("format").asText().equals("date")) {
        throw fault(
            where
                + "format '"
                + schema.get("format").asText()
                + "' of a "
                + type
                + " is not supported yet; only 'date' of a string is");
      }
      return Kind.DATE;
    }

    /** Collects an enum's strings; returns whether null is among its values. */
    private boolean choices(JsonNode values, List<String> choices, String where) {
      boolean nullable = false;
      if (!values.isArray()) {
        throw fault(where + "'enum' must be a list of strings");
      }
      for (JsonNode value : values) {
        if (value.isNull()) {
          nullable = true;
        } else if (!value.isTextual() || value.asText().isBlank()) {
          throw fault(where + "'enum' can only hold strings that are not blank");
        } else if (choices.contains(value.asText())) {
          throw fault(where + "'enum' has '" + value.asText() + "' twice");
        } else {
          choices.add(value.asText());
        }
      }
      if (choices.isEmpty()) {
        throw fault(where + "'enum' has no values");
      }
      return nullable;
    }

    private void onlyKeywords(JsonNode schema, Set<String> keywords, String where) {
      schema
          .fieldNames()
          .forEachRemaining(
              keyword -> {
                if (!keywords.contains(keyword) && !ANNOTATIONS.contains(keyword)) {
                  throw fault(
                      where
                          + "keyword '"
                          + keyword
                          + "' is not supported yet; remove it, and check such values afterwards");
                }
              });
    }

    /** A property's name as words: {@code effective_date} and {@code effectiveDate} alike. */
    private static String words(String property) {
      String spaced =
          property
              .replace('_', ' ')
              .replaceAll("(?<=[\\p{Ll}\\p{N}])(?=\\p{Lu})", " ")
              .replaceAll("(?<=\\p{Lu})(?=\\p{Lu}\\p{Ll})", " ");
      List<String> words = new ArrayList<>();
      for (String word : spaced.strip().split("\\s+")) {
        boolean acronym = word.length() > 1 && word.equals(word.toUpperCase(Locale.ROOT));
        words.add(acronym ? word : word.toLowerCase(Locale.ROOT));
      }
      return String.join(" ", words);
    }

    private ModelException fault(String message) {
      return new ModelException(name + ": " + message);
    }
  }
}
