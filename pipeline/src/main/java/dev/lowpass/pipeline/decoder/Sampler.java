package dev.lowpass.pipeline.decoder;

import dev.lowpass.kernels.Draw;
import java.util.SplittableRandom;

/**
 * Draws the tokens of one completion from their logits: {@link Draw} says how. The same seed and
 * logits give the same tokens.
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
    this.temperature = temperature;
    this.topK = topK;
    this.topP = topP;
    this.random = new SplittableRandom(seed);
    draw(0);
  }

  /** How the next token is drawn. */
  public Draw next() {
    return draw(random.nextDouble());
  }

  /** The softmax of logits at one of them: how likely the model finds a token, in [0, 1]. */
  public static double probability(float[] logits, int token) {
    double all = 0;
    for (float logit : logits) {
      all += Math.exp(logit - logits[token]);
    }
    return 1 / all;
  }

  private Draw draw(double uniform) {
    return new Draw(temperature, topK, topP, uniform);
  }
}
