package dev.lowpass.jobs;

import java.util.Arrays;

/** The middle of figures. */
final class Medians {
  private Medians() {}

  /** The median, which of two in the middle is their mean; not a number where there are none. */
  static double of(double... figures) {
    double[] sorted = figures.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    if (sorted.length == 0) {
      return Double.NaN;
    }
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
