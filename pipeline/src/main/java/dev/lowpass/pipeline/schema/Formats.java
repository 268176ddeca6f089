package dev.lowpass.pipeline.schema;

import java.util.Optional;

/** What the values of {@code format} look like, as patterns. */
final class Formats {
  /** Days of RFC 3339 that exist, from the year 1 on: leap years have a 29th of February. */
  private static final String DATE = date();

  /** RFC 3339 without leap seconds; nanoseconds at most, and offsets as ISO 8601 limits them. */
  private static final String DATE_TIME =
      DATE
          + "T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?"
          + "(Z|[+-]((0\\d|1[0-7]):[0-5]\\d|18:00))";

  private Formats() {}

  /** The pattern of a format; empty where it is not supported. */
  static Optional<String> pattern(String format) {
    return switch (format) {
      case "date" -> Optional.of("^" + DATE + "$");
      case "date-time" -> Optional.of("^" + DATE_TIME + "$");
      default -> Optional.empty();
    };
  }

  private static String date() {
    String year = "(\\d{3}[1-9]|\\d{2}[1-9]0|\\d[1-9]00|[1-9]000)";
    String days =
        "((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])"
            + "|(0[469]|11)-(0[1-9]|[12]\\d|30)"
            + "|02-(0[1-9]|1\\d|2[0-8]))";
    // Divisible by 4, from 04 to 96; of centuries every fourth.
    String four = "(0[48]|[2468][048]|[13579][26])";
    String leap = "(\\d{2}" + four + "|" + four + "00)";
    return "(" + year + "-" + days + "|" + leap + "-02-29)";
  }
}
