package dev.lowpass.pipeline.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Optional;

/**
 * A JSON object of a model folder, read key by key. Every complaint names the file and the key; a
 * key that is null counts as absent, as in Hugging Face's own configurations.
 */
final class JsonObject {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private static final long MAX_FILE_BYTES = 100_000_000;

  private final Path file;
  private final String prefix;
  private final JsonNode node;

  private JsonObject(Path file, String prefix, JsonNode node) {
    this.file = file;
    this.prefix = prefix;
    this.node = node;
  }

  static JsonObject read(Path file) {
    JsonNode node;
    try {
      if (Files.size(file) > MAX_FILE_BYTES) {
        throw new ModelException(
            file + ": larger than " + MAX_FILE_BYTES + " bytes; this is not a model's JSON file");
      }
      node = MAPPER.readTree(Files.readString(file));
    } catch (NoSuchFileException e) {
      throw new ModelException(file + ": no such file; add it from the model's publisher", e);
    } catch (CharacterCodingException e) {
      throw new ModelException(file + ": not UTF-8; save it as UTF-8", e);
    } catch (JsonProcessingException e) {
      throw new ModelException(file + ": not valid JSON: " + describe(e), e);
    } catch (IOException e) {
      throw new ModelException(file + ": cannot be read: " + e.getMessage(), e);
    }
    if (!node.isObject()) {
      throw new ModelException(file + ": not a JSON object; put the settings in { }");
    }
    return new JsonObject(file, "", node);
  }

  /** What a JSON parser complains about, with the line where it has one. */
  static String describe(JsonProcessingException e) {
    String line = e.getLocation() == null ? "" : " (line " + e.getLocation().getLineNr() + ")";
    return e.getOriginalMessage() + line;
  }

  Path file() {
    return file;
  }

  /** Whether a key is there and not null. */
  boolean has(String key) {
    return node.hasNonNull(key);
  }

  /** Whether a key is there and null, where that differs from its absence. */
  boolean isNull(String key) {
    return node.has(key) && node.get(key).isNull();
  }

  /** The raw value, for what the typed methods do not cover; null where absent. */
  JsonNode get(String key) {
    return has(key) ? node.get(key) : null;
  }

  Iterator<String> keys() {
    return node.fieldNames();
  }

  /** A required size from 1 to {@code max}. */
  int size(String key, int max) {
    JsonNode value = required(key);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 1) {
      throw wrong(key, "a whole number of at least 1");
    }
    if (value.intValue() > max) {
      throw wrong(key, "at most " + max);
    }
    return value.intValue();
  }

  /** A size from 1 to {@code max}, or a default where the key is absent. */
  int size(String key, int max, int defaultValue) {
    return has(key) ? size(key, max) : defaultValue;
  }

  /** A whole number of at least 0, or a default where the key is absent. */
  int natural(String key, int defaultValue) {
    if (!has(key)) {
      return defaultValue;
    }
    JsonNode value = node.get(key);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 0) {
      throw wrong(key, "a whole number of at least 0");
    }
    return value.intValue();
  }

  /** A required finite number. */
  double number(String key) {
    JsonNode value = required(key);
    if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
      throw wrong(key, "a number");
    }
    return value.doubleValue();
  }

  /** A required number greater than zero. */
  double positive(String key) {
    double value = number(key);
    if (value <= 0) {
      throw wrong(key, "greater than 0");
    }
    return value;
  }

  /** A number greater than zero, or a default where the key is absent. */
  double positive(String key, double defaultValue) {
    return has(key) ? positive(key) : defaultValue;
  }

  boolean flag(String key, boolean defaultValue) {
    if (!has(key)) {
      return defaultValue;
    }
    if (!node.get(key).isBoolean()) {
      throw wrong(key, "true or false");
    }
    return node.get(key).booleanValue();
  }

  String text(String key) {
    if (!required(key).isTextual()) {
      throw wrong(key, "a string");
    }
    return node.get(key).textValue();
  }

  String text(String key, String defaultValue) {
    return has(key) ? text(key) : defaultValue;
  }

  Optional<JsonObject> object(String key) {
    if (!has(key)) {
      return Optional.empty();
    }
    if (!node.get(key).isObject()) {
      throw wrong(key, "an object");
    }
    return Optional.of(new JsonObject(file, prefix + key + ".", node.get(key)));
  }

  /** "FILE: KEY must be EXPECTATION, found VALUE". */
  ModelException wrong(String key, String expectation) {
    String found = node.get(key).toString();
    if (found.length() > 60) {
      found = found.substring(0, 60) + "...";
    }
    return new ModelException(
        file + ": " + prefix + key + " must be " + expectation + ", found " + found);
  }

  /** "FILE: KEY WHAT". */
  ModelException problem(String key, String what) {
    return new ModelException(file + ": " + prefix + key + " " + what);
  }

  private JsonNode required(String key) {
    if (!has(key)) {
      throw problem(key, "is missing; add it as the model's publisher states it");
    }
    return node.get(key);
  }
}
