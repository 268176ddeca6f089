package dev.lowpass.jobs;

import dev.lowpass.pipeline.model.ModelException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds the line of a failure that tells a user what happened. */
final class Causes {
  private static final Pattern MODEL_EXCEPTION =
      Pattern.compile(Pattern.quote(ModelException.class.getName()) + ": ([^\\n]+)");

  private Causes() {}

  /** The exception to tell of: a bad model wherever it was found, else the one that was thrown. */
  static Throwable telling(Throwable thrown) {
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (cause instanceof ModelException) {
        return cause;
      }
      // From another JVM only the text may arrive.
      Matcher line = MODEL_EXCEPTION.matcher(String.valueOf(cause.getMessage()));
      if (line.find()) {
        return new ModelException(line.group(1).strip());
      }
    }
    return thrown;
  }

  /** Its first line, or its name where it has none. */
  static String message(Throwable cause) {
    String message = cause.getMessage();
    if (message == null || message.isBlank()) {
      return cause.getClass().getName();
    }
    String line = message.strip().lines().findFirst().orElseThrow();
    // What the JDK throws for a file says no more than the file's name.
    return cause instanceof java.nio.file.NoSuchFileException ? line + ": no such file" : line;
  }
}
