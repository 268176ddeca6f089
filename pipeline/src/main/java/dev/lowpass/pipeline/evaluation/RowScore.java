package dev.lowpass.pipeline.evaluation;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * What one row of an evaluation set came to: a score, or why there is none. Of two runs over the
 * same set, rows of the same task and name are the same question.
 *
 * @param row its name within the task
 * @param length of the row's context in the set's own unit, null where the set does not say
 * @param score 0 to 1, null for a row that failed
 * @param error null for a row that was scored
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record RowScore(
    @JsonProperty(required = true) String task,
    @JsonProperty(required = true) String row,
    Integer length,
    Double score,
    String error) {

  /** A row with its score. */
  public static RowScore of(String task, String row, Integer length, double score) {
    return new RowScore(task, row, length, score, null);
  }

  /** A row that could not be scored. */
  public static RowScore failed(String task, String row, String error) {
    return new RowScore(task, row, null, null, error);
  }

  /** Whether it has a score. */
  public boolean scored() {
    return score != null;
  }
}
