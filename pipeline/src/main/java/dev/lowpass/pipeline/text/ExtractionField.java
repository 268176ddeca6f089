package dev.lowpass.pipeline.text;

import java.util.List;

/**
 * One field to extract: a column of the result and the question that fills it.
 *
 * @param name the column's name
 * @param kind what its values are
 * @param question what the model is asked
 * @param choices the values of an ENUM, in the schema's order; empty for other kinds
 * @param required whether a missing value is worth a note
 */
public record ExtractionField(
    String name, Kind kind, String question, List<String> choices, boolean required) {
  /** What a field's values are, and their Java type. */
  public enum Kind {
    /** {@code String}. */
    STRING,
    /** {@code Long}. */
    INTEGER,
    /** {@code Double}. */
    NUMBER,
    /** {@code Boolean}. */
    BOOLEAN,
    /** {@code java.time.LocalDate}. */
    DATE,
    /** {@code String}, one of the field's choices. */
    ENUM
  }

  /**
   * What an answer says.
   *
   * @param value of the kind's Java type; null where the answer states none, or none that is clear
   * @param note why a value is missing that should be there; null where nothing is amiss
   */
  public record Value(Object value, String note) {}

  public ExtractionField {
    choices = List.copyOf(choices);
  }

  /** Reads a model's answer as a value of this field. */
  public Value parse(String answer) {
    return new AnswerParser(this).parse(answer);
  }
}
