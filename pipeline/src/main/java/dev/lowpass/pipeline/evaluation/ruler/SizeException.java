package dev.lowpass.pipeline.evaluation.ruler;

/** A sample of the asked size cannot be drawn. */
final class SizeException extends RuntimeException {
  SizeException(String message) {
    super(message);
  }
}
