package dev.lowpass.udfs.settings;

import java.time.Duration;
import java.time.format.DateTimeParseException;

/** Times as people write them: {@code 90s}, {@code 5m}, {@code 1h30m}, or ISO 8601's form. */
public final class Durations {
  private Durations() {}

  /**
   * Reads one.
   *
   * @throws IllegalArgumentException if it is not one, or none at all
   */
  public static Duration parse(String text) {
    Duration duration;
    try {
      duration = Duration.parse(text.startsWith("P") ? text : "PT" + text);
    } catch (DateTimeParseException e) {
      throw new IllegalArgumentException(
          "'" + text + "' is not a time; give one such as 90s, 5m or 1h30m", e);
    }
    if (duration.isNegative() || duration.isZero()) {
      throw new IllegalArgumentException("'" + text + "' is no time at all; give more");
    }
    return duration;
  }
}
