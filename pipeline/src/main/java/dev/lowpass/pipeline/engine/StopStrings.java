package dev.lowpass.pipeline.engine;

import java.util.List;

/**
 * Finds the first stop string in a text that arrives in pieces, and holds back the end of what has
 * come so far while it may still turn out to be the beginning of one.
 */
final class StopStrings {
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private boolean found;

  StopStrings(List<String> stops) {
    this.stops = stops;
  }

  /** Takes the next piece; returns the text that is now certain to come before any stop string. */
  String accept(String piece) {
    if (found) {
      return "";
    }
    held.append(piece);
    int end = held.length();
    for (String stop : stops) {
      int at = held.indexOf(stop);
      if (at >= 0 && at < end) {
        end = at;
        found = true;
      }
    }
    return release(found ? end : held.length() - possibleBeginning());
  }

  /** Returns what was held back: the text is at its end. */
  String flush() {
    return found ? "" : release(held.length());
  }

  /** Whether a stop string has come up. */
  boolean found() {
    return found;
  }

  private String release(int length) {
    String text = held.substring(0, length);
    held.delete(0, length);
    return text;
  }

  /** The longest end of the held text that a stop string begins with. */
  private int possibleBeginning() {
    int longest = 0;
    for (String stop : stops) {
      int length = Math.min(stop.length() - 1, held.length());
      while (length > longest && !endsWithBeginning(stop, length)) {
        length--;
      }
      longest = Math.max(longest, length);
    }
    return longest;
  }

  private boolean endsWithBeginning(String stop, int length) {
    return held.indexOf(stop.substring(0, length), held.length() - length) >= 0;
  }
}
