package dev.lowpass.udfs;

/** The input as a whole cannot be used; the message is one line that says what to change. */
public final class InputException extends RuntimeException {
  public InputException(String message) {
    super(message);
  }
}
