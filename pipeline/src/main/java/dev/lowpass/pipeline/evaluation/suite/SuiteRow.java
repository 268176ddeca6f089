package dev.lowpass.pipeline.evaluation.suite;

import java.io.Serializable;

/**
 * A row of an evaluation set as it was found or made.
 *
 * @param id tells it from all other rows of a run, and is the same in every run over that row
 * @param task whose score it counts for
 * @param length tokens that it was made for; null where nobody said
 * @param source where it comes from, for people
 * @param json the row itself, which may be malformed
 */
public record SuiteRow(
    String id, Suite suite, String task, Integer length, String source, String json)
    implements Serializable {
  /** The json of a row that is not UTF-8. */
  public static final String NOT_UTF_8 = "\uFFFD";
}
