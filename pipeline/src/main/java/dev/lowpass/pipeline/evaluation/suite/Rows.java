package dev.lowpass.pipeline.evaluation.suite;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.lowpass.pipeline.evaluation.EvaluationException;
import java.util.ArrayList;
import java.util.List;

/** Values of a row, or in one line why they are not there. */
final class Rows {
  private static final JsonMapper MAPPER =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private Rows() {}

  static JsonNode object(String json) {
    if (json.equals(SuiteRow.NOT_UTF_8)) {
      throw new EvaluationException("not UTF-8");
    }
    if (json.isBlank()) {
      throw new EvaluationException("not a line of JSON");
    }
    JsonNode row;
    try {
      row = MAPPER.readTree(json);
    } catch (JsonProcessingException e) {
      throw new EvaluationException("not valid JSON: " + e.getOriginalMessage(), e);
    }
    if (!row.isObject()) {
      throw new EvaluationException("not a JSON object");
    }
    return row;
  }

  static String text(JsonNode row, String key) {
    if (!row.path(key).isTextual()) {
      throw new EvaluationException(key + " is missing or no string");
    }
    return row.get(key).textValue();
  }

  /** The same, or what stands for it where the row has no such key. */
  static String text(JsonNode row, String key, String otherwise) {
    return row.hasNonNull(key) ? text(row, key) : otherwise;
  }

  /** A list of strings, of one at least; a string alone is a list of one. */
  static List<String> strings(JsonNode row, String key) {
    JsonNode value = row.path(key);
    if (value.isTextual()) {
      return List.of(value.textValue());
    }
    List<String> strings = new ArrayList<>();
    for (JsonNode element : value) {
      if (element.isTextual()) {
        strings.add(element.textValue());
      }
    }
    if (!value.isArray() || strings.size() != value.size() || strings.isEmpty()) {
      throw new EvaluationException(key + " is missing or no list of strings");
    }
    return strings;
  }

  /** A whole number; null where the row has none. */
  static Integer integer(JsonNode row, String key) {
    JsonNode value = row.path(key);
    if (value.isMissingNode() || value.isNull()) {
      return null;
    }
    if (!value.canConvertToInt() || !value.isIntegralNumber()) {
      throw new EvaluationException(key + " is no whole number");
    }
    return value.intValue();
  }
}
