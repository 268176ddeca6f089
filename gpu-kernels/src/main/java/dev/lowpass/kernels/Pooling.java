package dev.lowpass.kernels;

/**
 * How an entry's score takes in its neighbours' (FastKV and SnapKV): a window of {@code kernel}
 * entries, moved by one at a time, with the entry in its middle.
 *
 * @param kernel entries a window, odd; 1 leaves scores as they are
 */
public record Pooling(Kind kind, int kernel) {
  /** What is made of a window. */
  public enum Kind {
    /** Its largest score. What lies outside of the observed range has none. */
    MAX,
    /** Its sum over {@code kernel}, also at the ends: what lies outside counts as 0. */
    AVERAGE
  }

  public Pooling {
    if (kernel < 1 || kernel % 2 == 0) {
      throw new IllegalArgumentException("a pooling kernel of " + kernel + ": it must be odd");
    }
  }
}
