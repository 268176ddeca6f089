package dev.lowpass.pipeline.evaluation.ruler;

import dev.lowpass.pipeline.evaluation.EvaluationException;

/**
 * What samples are made of. Any but the words may be null, and the tasks that need it are then
 * refused.
 *
 * @param words for keys and for lists of words
 * @param haystack RULER's are Paul Graham's essays
 * @param squad questions on single paragraphs
 * @param hotpotQa questions on several documents
 */
public record RulerSources(
    WordLists words, Haystack haystack, QuestionSet squad, QuestionSet hotpotQa) {

  Haystack requireHaystack() {
    return required(haystack, "a text to hide needles in (--haystack)");
  }

  QuestionSet requireSquad() {
    return required(squad, "questions in SQuAD's format (--squad)");
  }

  QuestionSet requireHotpotQa() {
    return required(hotpotQa, "questions in HotpotQA's format (--hotpotqa)");
  }

  private static <T> T required(T source, String what) {
    if (source == null) {
      throw new EvaluationException("needs " + what);
    }
    return source;
  }
}
