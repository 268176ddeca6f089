package dev.lowpass.kernels;

import java.util.Arrays;

/**
 * A choice among scores by chance, in the order Hugging Face applies them: temperature, then the
 * {@code topK} highest, then the smallest set of those whose probability reaches {@code topP}
 * (nucleus sampling); of equal scores the lower index first. What {@code uniform} is between 0 and
 * 1, the chosen one is in the probability that is left, in the order of indices.
 *
 * @param temperature what scores are divided by before they are exponents, above 0
 * @param topK scores to choose from; 0 for all
 * @param topP probability to choose from, in (0, 1]
 * @param uniform a random number in [0, 1)
 */
public record Draw(float temperature, int topK, float topP, double uniform) {
  /** The highest score, the lowest index where several are. */
  public static final Draw GREEDY = new Draw(1, 1, 1, 0);

  public Draw {
    if (!(temperature > 0) || topK < 0 || !(topP > 0 && topP <= 1)) {
      throw new IllegalArgumentException(
          "temperature %s must be above 0, top-k %s at least 0, top-p %s in (0, 1]"
              .formatted(temperature, topK, topP));
    }
    if (!(uniform >= 0 && uniform < 1)) {
      throw new IllegalArgumentException("a random number of " + uniform + " is not in [0, 1)");
    }
  }

  /**
   * The index that is chosen.
   *
   * @return -1 if a score is not a number, or the highest is infinite
   */
  public int of(float[] scores) {
    double max = Double.NEGATIVE_INFINITY;
    for (float score : scores) {
      // Not a number if one is not.
      max = Math.max(max, score);
    }
    if (Double.isNaN(max) || Double.isInfinite(max)) {
      return -1;
    }
    double[] weights = new double[scores.length];
    double total = 0;
    for (int i = 0; i < weights.length; i++) {
      weights[i] = Math.exp((scores[i] - max) / temperature);
      total += weights[i];
    }
    if ((topK > 0 && topK < scores.length) || topP < 1) {
      weights = best(scores, weights, total);
      total = Arrays.stream(weights).sum();
    }
    double target = uniform * total;
    int last = 0;
    for (int i = 0; i < weights.length; i++) {
      if (weights[i] > 0) {
        last = i;
        target -= weights[i];
        if (target < 0) {
          return i;
        }
      }
    }
    return last; // rounding left a rest
  }

  /** The weights that are left, the others being 0. */
  private double[] best(float[] scores, double[] weights, double total) {
    int[] ranked = rank(scores, weights, total);
    int count = topK == 0 ? ranked.length : Math.min(topK, ranked.length);
    double kept = topK == 0 ? total : 0;
    for (int i = 0; i < count && topK > 0; i++) {
      kept += weights[ranked[i]];
    }
    double[] left = new double[weights.length];
    double nucleus = 0;
    for (int i = 0; i < count && (i == 0 || topP == 1 || nucleus < topP * kept); i++) {
      left[ranked[i]] = weights[ranked[i]];
      nucleus += weights[ranked[i]];
    }
    return left;
  }

  /** Indices by falling score, the lower index first where two are equal. */
  private int[] rank(float[] scores, double[] weights, double total) {
    // Scores this unlikely cannot reach the nucleus even all together, so most of a vocabulary need
    // not be sorted.
    double floor = topK == 0 ? (1 - topP) * total / weights.length : 0;
    long[] keys = new long[scores.length];
    int count = 0;
    for (int i = 0; i < scores.length; i++) {
      if (weights[i] >= floor) {
        // Zeros of both signs are one score. Bits of floats rise with them, those of negative ones
        // fall.
        int bits = Float.floatToIntBits(scores[i] + 0f);
        int rising = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
        keys[count++] = ((long) ~rising << 32) | i;
      }
    }
    Arrays.sort(keys, 0, count);
    int[] ranked = new int[count];
    for (int i = 0; i < count; i++) {
      ranked[i] = (int) keys[i];
    }
    return ranked;
  }
}
