package dev.lowpass.pipeline.evaluation;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** The bootstrap: what a mean would have been on other samples of the same size. */
public final class Bootstrap {
  /** Enough for a 95% interval and for p-values down to a thousandth. */
  static final int RESAMPLES = 10_000;

  /** The two ends of a 95% interval. */
  public record Interval(double low, double high) {}

  private Bootstrap() {}

  /**
   * The means of {@value #RESAMPLES} samples of {@code values} with replacement.
   *
   * @param values at least one
   */
  static double[] means(double[] values, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[] means = new double[RESAMPLES];
    for (int i = 0; i < means.length; i++) {
      double sum = 0;
      for (int j = 0; j < values.length; j++) {
        sum += values[random.nextInt(values.length)];
      }
      means[i] = sum / values.length;
    }
    return means;
  }

  /**
   * The 95% interval of the mean of groups' means: samples are drawn within each group.
   *
   * @param groups none of them empty
   */
  public static Interval interval(List<double[]> groups, long seed) {
    double[] sums = new double[RESAMPLES];
    SplittableRandom seeds = new SplittableRandom(seed);
    for (double[] group : groups) {
      double[] means = means(group, seeds.nextLong());
      for (int i = 0; i < sums.length; i++) {
        sums[i] += means[i] / groups.size();
      }
    }
    return interval(sums);
  }

  /** Leaves 2.5% of the means out on either side. */
  static Interval interval(double[] means) {
    double[] sorted = means.clone();
    Arrays.sort(sorted);
    int out = sorted.length / 40;
    return new Interval(sorted[out], sorted[sorted.length - 1 - out]);
  }

  /** The share of means that are zero or more, at least that of a single one. */
  static double shareNotBelowZero(double[] means) {
    long count = Arrays.stream(means).filter(mean -> mean >= 0).count();
    return (double) Math.max(1, count) / means.length;
  }
}
