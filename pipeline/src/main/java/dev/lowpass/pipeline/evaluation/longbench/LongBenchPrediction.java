package dev.lowpass.pipeline.evaluation.longbench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.lowpass.pipeline.evaluation.EvaluationException;
import java.util.ArrayList;
import java.util.List;

/**
 * A line of a prediction file, as LongBench's {@code pred.py} writes it.
 *
 * @param prediction what the model said
 * @param answers the references
 * @param classes all that a classification may answer, empty for other tasks
 * @param length of the context, in words or, in Chinese, characters; null if the line has none
 */
public record LongBenchPrediction(
    String prediction, List<String> answers, List<String> classes, Integer length) {
  private static final JsonMapper MAPPER =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  /**
   * Reads a line.
   *
   * @throws EvaluationException if it is not such a line; the message does not know the file
   */
  public static LongBenchPrediction parse(String line) {
    JsonNode row;
    try {
      row = MAPPER.readTree(line);
    } catch (JsonProcessingException e) {
      throw new EvaluationException("not valid JSON: " + e.getOriginalMessage(), e);
    }
    if (!row.isObject()) {
      throw new EvaluationException("not a JSON object");
    }
    if (!row.path("pred").isTextual()) {
      throw new EvaluationException("pred is missing or no string");
    }
    JsonNode length = row.path("length");
    if (!length.isMissingNode() && !length.isNull() && !length.canConvertToInt()) {
      throw new EvaluationException("length is no whole number");
    }
    return new LongBenchPrediction(
        row.get("pred").textValue(),
        strings(row, "answers"),
        row.hasNonNull("all_classes") ? strings(row, "all_classes") : List.of(),
        length.isNumber() ? length.intValue() : null);
  }

  private static List<String> strings(JsonNode row, String key) {
    JsonNode array = row.path(key);
    List<String> strings = new ArrayList<>();
    for (JsonNode element : array) {
      if (element.isTextual()) {
        strings.add(element.textValue());
      }
    }
    if (!array.isArray() || strings.size() != array.size()) {
      throw new EvaluationException(key + " is missing or no list of strings");
    }
    return strings;
  }
}
