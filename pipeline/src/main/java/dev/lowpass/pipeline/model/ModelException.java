package dev.lowpass.pipeline.model;

/**
 * A model folder or a model option that cannot be used. The message is one line that names the file
 * and the key or tensor, and says what to change.
 */
public final class ModelException extends RuntimeException {
  /** Longest message kept: names inside a damaged file can be megabytes long. */
  private static final int MAX_LENGTH = 1000;

  public ModelException(String message) {
    super(oneLine(message));
  }

  public ModelException(String message, Throwable cause) {
    super(oneLine(message), cause);
  }

  private static String oneLine(String message) {
    String line = message.replaceAll("[\\p{Cntrl}\\u2028\\u2029]+", " ");
    return line.length() <= MAX_LENGTH ? line : line.substring(0, MAX_LENGTH) + "...";
  }
}
