package dev.lowpass.pipeline.text;

/**
 * A chat template that cannot be compiled or rendered: wrong syntax, a construct outside the
 * supported subset of Jinja, or the template's own {@code raise_exception}. The message is one line
 * and names the construct and the line of the template.
 */
public final class TemplateException extends RuntimeException {
  public TemplateException(String message) {
    super(message);
  }

  static TemplateException at(int line, String message) {
    return new TemplateException("chat template line " + line + ": " + message);
  }
}
