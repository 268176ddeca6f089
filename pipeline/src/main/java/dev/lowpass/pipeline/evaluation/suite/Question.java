package dev.lowpass.pipeline.evaluation.suite;

import java.util.List;

/**
 * What is asked of an item's document.
 *
 * @param name tells it from the item's other questions; empty where there is but one
 * @param text what follows the document in the prompt
 * @param probe what it asks, for policies that read the document with the question in mind
 * @param references what answers are compared with, for people
 * @param scorer how
 */
public record Question(
    String name, String text, String probe, List<String> references, Scorer scorer) {
  /** The score of an answer. */
  @FunctionalInterface
  public interface Scorer {
    /** From 0 to 1. */
    double score(String answer);
  }

  public Question {
    references = List.copyOf(references);
  }

  /** The only question, whose text is its probe. */
  static Question only(String text, List<String> references, Scorer scorer) {
    return new Question("", text, text, references, scorer);
  }
}
