package dev.lowpass.pipeline.text;

/** Something wrong with a value while a template runs; the evaluator adds the line. */
final class TemplateFault extends RuntimeException {
  TemplateFault(String message) {
    super(message, null, false, false);
  }
}
