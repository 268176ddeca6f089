package dev.lowpass.pipeline.text;

import java.util.List;

/** The wording of every prompt, in one place: the bundled model was trained on exactly these. */
public final class Prompts {
  /** What a summary is asked with where the user gives no instruction. */
  public static final String DEFAULT_INSTRUCTION =
      "Summarize the document in one to three sentences.";

  private Prompts() {}

  /** The document and nothing else: what all prompts about it begin with. */
  public static List<Message> document(String document) {
    return user(document, "");
  }

  /**
   * Asks for a summary; the document comes first, so that it can be read once for all questions.
   */
  public static List<Message> summarize(String document, String instruction) {
    return user(document, summaryProbe(instruction));
  }

  /** What {@link #summarize} asks, without its document. */
  public static String summaryProbe(String instruction) {
    return "\n\n" + instruction;
  }

  /** Asks for one field of an extraction schema. */
  public static List<Message> extract(String document, ExtractionField field) {
    return user(
        document,
        fieldProbe(field) + "\nReply with " + hint(field) + " only, or null if not stated.");
  }

  /** What {@link #extract} asks, without its document and without how to reply. */
  public static String fieldProbe(ExtractionField field) {
    return "\n\nQuestion: " + field.question();
  }

  /**
   * Asks for a whole object at once.
   *
   * @param outline what its properties are
   */
  public static List<Message> extractObject(String document, String outline) {
    return user(
        document,
        objectProbe(outline) + "\nReply with one JSON object only, null for what is not stated.");
  }

  /** What {@link #extractObject} asks, without its document and without how to reply. */
  public static String objectProbe(String outline) {
    return "\n\nQuestion: What does the document state of " + outline + "?";
  }

  private static List<Message> user(String document, String request) {
    return List.of(new Message("user", document.strip() + request));
  }

  private static String hint(ExtractionField field) {
    return switch (field.kind()) {
      case STRING -> "a short text";
      case INTEGER -> "a whole number";
      case NUMBER -> "a number";
      case BOOLEAN -> "true or false";
      case DATE -> "a date as YYYY-MM-DD";
      case ENUM -> "one of: " + String.join(", ", field.choices());
    };
  }
}
