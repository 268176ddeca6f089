package dev.lowpass.pipeline.decoder;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Draws the next token from its logits: temperature, then the {@code topK} most likely, then the
 * smallest set of those whose probability reaches {@code topP} (nucleus sampling), in the order
 * Hugging Face applies them. The same seed and logits give the same tokens.
 */
public final class Sampler {
  private final float temperature;
  private final int topK;
  private final float topP;
  private final SplittableRandom random;

  /**
   * @param temperature above 0; greedy decoding needs no sampler
   * @param topK tokens to choose from; 0 for all
   * @param topP probability to choose from, in (0, 1]
   */
  public Sampler(float temperature, int topK, float topP, long seed) {
    if (!(temperature > 0) || topK < 0 || !(topP > 0 && topP <= 1)) {
      throw new IllegalArgumentException(
          "temperature %s must be above 0, top-k %s at least 0, top-p %s in (0, 1]"
              .formatted(temperature, topK, topP));
    }
    this.temperature = temperature;
    this.topK = topK;
    this.topP = topP;
    this.random = new SplittableRandom(seed);
  }

  /** Draws a token from {@code logits [vocabulary]}. */
  public int next(float[] logits) {
    double[] weights = new double[logits.length];
    double max = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    double total = 0;
    for (int i = 0; i < logits.length; i++) {
      weights[i] = Math.exp((logits[i] - max) / temperature);
      total += weights[i];
    }
    if (topK == 0 && topP == 1) {
      return draw(weights, ascending(logits.length), total);
    }
    int[] ranked = rank(weights, total);
    int count = topK == 0 ? ranked.length : Math.min(topK, ranked.length);
    double kept = 0;
    for (int i = 0; i < count; i++) {
      kept += weights[ranked[i]];
    }
    double nucleus = 0;
    int size = 0;
    while (size < count && (size == 0 || nucleus < topP * kept)) {
      nucleus += weights[ranked[size++]];
    }
    return draw(weights, Arrays.copyOf(ranked, size), nucleus);
  }

  /** Indices by falling weight, the lower index first where two are equal. */
  private int[] rank(double[] weights, double total) {
    // Tokens this unlikely cannot reach the nucleus even all together, so most of a vocabulary need
    // not be sorted.
    double floor = topK == 0 ? (1 - topP) * total / weights.length : 0;
    long[] keys = new long[weights.length];
    int count = 0;
    for (int i = 0; i < weights.length; i++) {
      if (weights[i] >= floor) {
        // The bits of a non-negative float rise with its value.
        long descending = Integer.MAX_VALUE - Float.floatToIntBits((float) weights[i]);
        keys[count++] = descending << 32 | i;
      }
    }
    Arrays.sort(keys, 0, count);
    int[] ranked = new int[count];
    for (int i = 0; i < count; i++) {
      ranked[i] = (int) keys[i];
    }
    return ranked;
  }

  private static int[] ascending(int count) {
    int[] indices = new int[count];
    Arrays.setAll(indices, i -> i);
    return indices;
  }

  private int draw(double[] weights, int[] candidates, double total) {
    double target = random.nextDouble() * total;
    for (int candidate : candidates) {
      target -= weights[candidate];
      if (target < 0) {
        return candidate;
      }
    }
    return candidates[candidates.length - 1]; // rounding left a rest
  }
}
