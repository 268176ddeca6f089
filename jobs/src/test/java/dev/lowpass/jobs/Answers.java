package dev.lowpass.jobs;

import com.fasterxml.jackson.databind.JsonNode;

/** Extracted values beside those that a document's generator knows. */
final class Answers {
  private Answers() {}

  /**
   * Whether a field is exactly right.
   *
   * @param right null, or JSON's null, where the document does not say
   * @param found a column's value
   */
  static boolean same(JsonNode right, Object found) {
    if (right == null || right.isNull()) {
      return found == null;
    }
    if (right.isNumber() && found instanceof Number number) {
      return right.doubleValue() == number.doubleValue();
    }
    return right.asText().equals(String.valueOf(found));
  }
}
