package dev.lowpass.pipeline.evaluation;

/** An evaluation set, a prediction or a request that does not hold what it should, in one line. */
public final class EvaluationException extends RuntimeException {
  /**
   * @param message names the file and says what is wrong with it
   */
  public EvaluationException(String message) {
    super(message);
  }

  /**
   * @param message names the file and says what is wrong with it
   */
  public EvaluationException(String message, Throwable cause) {
    super(message, cause);
  }
}
