package dev.lowpass.pipeline.schema;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.model.ModelException;
import java.math.BigDecimal;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A schema within a document, and where it stands there: every error names that. */
final class SchemaNode {
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);

  private final String name;
  private final JsonNode root;
  private final String pointer;
  private final JsonNode json;

  private SchemaNode(String name, JsonNode root, String pointer) {
    this.name = name;
    this.root = root;
    this.pointer = pointer;
    this.json = root.at(JsonPointer.compile(pointer));
  }

  /**
   * Reads a document.
   *
   * @param name what to call it in errors
   */
  static SchemaNode read(String name, String text) {
    try {
      JsonNode root = JSON.readTree(text.startsWith("\ufeff") ? text.substring(1) : text);
      return new SchemaNode(name, root, "");
    } catch (JsonProcessingException e) {
      throw new ModelException(name + ": not JSON: " + e.getOriginalMessage(), e);
    }
  }

  /** Its JSON pointer. */
  String pointer() {
    return pointer;
  }

  boolean isObject() {
    return json.isObject();
  }

  boolean has(String keyword) {
    return json.has(keyword);
  }

  JsonNode get(String keyword) {
    return json.get(keyword);
  }

  String text(String keyword) {
    return json.path(keyword).asText();
  }

  Set<String> keywords() {
    Set<String> keywords = new LinkedHashSet<>();
    json.fieldNames().forEachRemaining(keywords::add);
    return keywords;
  }

  SchemaNode child(String... path) {
    StringBuilder child = new StringBuilder(pointer);
    for (String step : path) {
      child.append('/').append(step.replace("~", "~0").replace("/", "~1"));
    }
    return new SchemaNode(name, root, child.toString());
  }

  /** The schemas of a keyword that lists some. */
  List<SchemaNode> children(String keyword) {
    if (!json.path(keyword).isArray() || json.get(keyword).isEmpty()) {
      throw fault(keyword, "'" + keyword + "' must be a list of schemas");
    }
    List<SchemaNode> children = new ArrayList<>();
    for (int i = 0; i < json.get(keyword).size(); i++) {
      children.add(child(keyword, Integer.toString(i)));
    }
    return children;
  }

  /** The properties of an object, in the schema's order. */
  Map<String, SchemaNode> properties() {
    if (!json.path("properties").isObject() || json.get("properties").isEmpty()) {
      throw fault("an object needs 'properties': no others are written");
    }
    Map<String, SchemaNode> properties = new LinkedHashMap<>();
    for (Iterator<String> all = json.get("properties").fieldNames(); all.hasNext(); ) {
      String property = all.next();
      properties.put(property, child("properties", property));
    }
    return properties;
  }

  /** The names of properties that must be there. */
  Set<String> required() {
    Set<String> required = new LinkedHashSet<>();
    for (JsonNode property : json.path("required")) {
      if (!json.path("properties").has(property.asText())) {
        throw fault(
            "required", "'required' names '" + property.asText() + "', which is no property");
      }
      required.add(property.asText());
    }
    return required;
  }

  /** What {@code $ref} points to. */
  SchemaNode target() {
    String target = text("$ref");
    if (!target.equals("#") && !target.startsWith("#/")) {
      throw fault("$ref", "'$ref' can only be a JSON pointer into this schema ('#/...')");
    }
    String decoded =
        URLDecoder.decode(target.substring(1).replace("+", "%2B"), StandardCharsets.UTF_8);
    SchemaNode node = new SchemaNode(name, root, decoded);
    if (node.json.isMissingNode()) {
      throw fault("$ref", "there is no '" + target + "'");
    }
    return node;
  }

  /** The values of {@code enum}, or the one of {@code const}. */
  List<JsonNode> listed() {
    if (!json.has("enum")) {
      return List.of(json.get("const"));
    }
    if (!json.get("enum").isArray()) {
      throw fault("enum", "'enum' must be a list of values");
    }
    List<JsonNode> values = new ArrayList<>();
    json.get("enum").forEach(values::add);
    return values;
  }

  Optional<BigDecimal> number(String keyword) {
    if (!json.has(keyword)) {
      return Optional.empty();
    }
    if (!json.get(keyword).isNumber()) {
      throw fault(keyword, "'" + keyword + "' must be a number");
    }
    return Optional.of(json.get(keyword).decimalValue());
  }

  /** A number of characters or items, or a default where the keyword is absent. */
  int size(String keyword, int absent) {
    Optional<BigDecimal> size = number(keyword).map(BigDecimal::stripTrailingZeros);
    if (size.isEmpty()) {
      return absent;
    }
    if (size.get().signum() < 0
        || size.get().scale() > 0
        || size.get().compareTo(BigDecimal.valueOf(Integer.MAX_VALUE)) >= 0) {
      throw fault(keyword, "'" + keyword + "' must be a whole number of at least 0");
    }
    return size.get().intValueExact();
  }

  ModelException fault(String message) {
    return new ModelException(name + ": #" + pointer + ": " + message);
  }

  ModelException fault(String keyword, String message) {
    return new ModelException(name + ": #" + pointer + "/" + keyword + ": " + message);
  }
}
