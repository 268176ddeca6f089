package dev.lowpass.jobs.charts;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;

/**
 * One dimension of a plot: which values it shows, where, and how they are written.
 *
 * @param logarithmic whether doubling is a step of the same width everywhere
 * @param ticks values that are written
 */
record Axis(
    String name,
    double low,
    double high,
    boolean logarithmic,
    List<Double> ticks,
    DoubleFunction<String> format) {
  private static final int STEPS = 4;
  private static final int MOST_VALUES = 6;

  /** From 0, in steps that are easy to read, each written with the same decimals. */
  static Axis fromZero(String name, double largest) {
    double step = niceStep(largest <= 0 ? 1 : largest / STEPS);
    List<Double> ticks = new ArrayList<>();
    int count = (int) Math.max(1, Math.ceil(largest / step - 1e-9));
    for (int i = 0; i <= count; i++) {
      ticks.add(i * step);
    }
    int decimals = (int) Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
    // A step of 2.5 of its power of ten takes one more.
    double shown = step * Math.pow(10, decimals);
    String format =
        "%,." + (Math.abs(shown - Math.rint(shown)) < 1e-6 ? decimals : decimals + 1) + "f";
    return new Axis(
        name,
        0,
        count * step,
        /* logarithmic= */ false,
        ticks,
        value -> String.format(Locale.ROOT, format, value));
  }

  /** Logarithmic, over positive values: written are those, or as many of them as there is room. */
  static Axis ofValues(String name, List<Double> values) {
    List<Double> sorted = values.stream().distinct().sorted().toList();
    double low = sorted.get(0);
    double high = sorted.get(sorted.size() - 1);
    List<Double> ticks = new ArrayList<>();
    double apart = Math.log(high / low) / MOST_VALUES;
    for (double value : sorted) {
      if (ticks.isEmpty() || Math.log(value / ticks.get(ticks.size() - 1)) >= apart - 1e-9) {
        ticks.add(value);
      }
    }
    return new Axis(
        name,
        low,
        high,
        /* logarithmic= */ true,
        ticks,
        value -> String.format(Locale.ROOT, "%,.0f", value));
  }

  /** Whole numbers from 0. */
  static Axis whole(String name, int high) {
    List<Double> ticks = new ArrayList<>();
    int step = Math.max(1, (int) Math.ceil(high / 8.0));
    for (int i = 0; i <= high; i += step) {
      ticks.add((double) i);
    }
    return new Axis(
        name,
        0,
        Math.max(1, high),
        /* logarithmic= */ false,
        ticks,
        value -> Integer.toString((int) value));
  }

  private static double niceStep(double step) {
    double power = Math.pow(10, Math.floor(Math.log10(step)));
    for (double nice : new double[] {1, 2, 2.5, 5}) {
      if (step <= nice * power * (1 + 1e-9)) {
        return nice * power;
      }
    }
    return 10 * power;
  }

  /** Where a value stands, 0 to 1; in the middle where there is but one. */
  double place(double value) {
    if (high == low) {
      return 0.5;
    }
    return logarithmic
        ? Math.log(value / low) / Math.log(high / low)
        : (value - low) / (high - low);
  }
}
