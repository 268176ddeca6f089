package dev.lowpass.pipeline.evaluation.suite;

import com.fasterxml.jackson.databind.JsonNode;

/** Extracted values beside those that are known. */
final class FieldMatch {
  private FieldMatch() {}

  /**
   * Whether a field is exactly right.
   *
   * @param right missing, or JSON's null, where the document does not say
   * @param found of the field's Java type; null where the answer states none
   */
  static boolean same(JsonNode right, Object found) {
    if (right.isMissingNode() || right.isNull()) {
      return found == null;
    }
    if (right.isNumber() && found instanceof Number number) {
      return right.doubleValue() == number.doubleValue();
    }
    return right.asText().equals(String.valueOf(found));
  }
}
