package dev.lowpass.pipeline.evaluation.suite;

import java.util.List;

/**
 * One row of an evaluation set, ready to be asked: a document, and one or more questions about it.
 *
 * @param task whose score it counts for
 * @param length tokens that it was made for, or its length in the set's own unit; null where the
 *     set does not say
 * @param depth percent of the document above the needle; null where there is none
 * @param document what all its prompts begin with
 * @param answerPrefix how each answer begins
 * @param maxNewTokens of an answer
 * @param chat whether the prompt goes into the model's chat template
 * @param truncated whether the middle of a prompt may be left out
 */
public record Item(
    String task,
    Integer length,
    Integer depth,
    String document,
    List<Question> questions,
    String answerPrefix,
    int maxNewTokens,
    boolean chat,
    boolean truncated) {
  public Item {
    questions = List.copyOf(questions);
  }
}
