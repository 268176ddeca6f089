package dev.lowpass.jobs;

import java.util.Locale;

/** Figures for people. */
final class Text {
  private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB"};

  private Text() {}

  /** A size in bytes, such as {@code 7.2 MiB}. */
  static String bytes(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= 1024 && unit < UNITS.length - 1) {
      value /= 1024;
      unit++;
    }
    return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.1f %s", value, UNITS[unit]);
  }

  /** A whole number with thousands set apart. */
  static String number(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  /** A duration, such as {@code 4.1 s} or {@code 2 min 5 s}. */
  static String seconds(double seconds) {
    return seconds < 60 ? String.format(Locale.ROOT, "%.1f s", seconds) : about(seconds);
  }

  /** A duration that is not known to a fraction of a second. */
  static String about(double seconds) {
    long whole = Math.round(seconds);
    if (whole < 60) {
      return whole + " s";
    }
    return whole < 3600
        ? String.format(Locale.ROOT, "%d min %d s", whole / 60, whole % 60)
        : String.format(Locale.ROOT, "%d h %d min", whole / 3600, whole % 3600 / 60);
  }

  /** A count with its noun. */
  static String count(long count, String noun) {
    return number(count) + " " + noun + (count == 1 ? "" : "s");
  }
}
