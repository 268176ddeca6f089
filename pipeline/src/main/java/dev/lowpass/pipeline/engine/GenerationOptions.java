package dev.lowpass.pipeline.engine;

import java.util.List;

/**
 * How a completion is written.
 *
 * @param maxNewTokens its limit of tokens
 * @param temperature 0 for greedy decoding
 * @param topP nucleus to sample from, in (0, 1]
 * @param topK most likely tokens to sample from; 0 for all
 * @param seed of the sampler; prompt i of a document uses {@code seed + i}
 * @param stop strings that end the completion; the text ends before them
 * @param pastEnd whether it goes on behind the model's end tokens: for measurements
 * @param probabilities whether the completion tells its tokens' probabilities
 */
public record GenerationOptions(
    int maxNewTokens,
    float temperature,
    float topP,
    int topK,
    long seed,
    List<String> stop,
    boolean pastEnd,
    boolean probabilities) {
  public GenerationOptions {
    if (maxNewTokens < 1) {
      throw new IllegalArgumentException("max-new-tokens is " + maxNewTokens + "; give at least 1");
    }
    if (!(temperature >= 0)) {
      throw new IllegalArgumentException(
          "temperature is " + temperature + "; give 0 (greedy) or more");
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new IllegalArgumentException("top-p is " + topP + "; give more than 0 and at most 1");
    }
    if (topK < 0) {
      throw new IllegalArgumentException("top-k is " + topK + "; give 0 (all tokens) or more");
    }
    if (stop.contains("")) {
      throw new IllegalArgumentException("a stop string is empty; remove it");
    }
    stop = List.copyOf(stop);
  }

  /** Until the model ends it. */
  public GenerationOptions(
      int maxNewTokens, float temperature, float topP, int topK, long seed, List<String> stop) {
    this(
        maxNewTokens,
        temperature,
        topP,
        topK,
        seed,
        stop,
        /* pastEnd= */ false,
        /* probabilities= */ false);
  }

  /** Greedy decoding of so many tokens, whatever they are: for measurements. */
  public static GenerationOptions exactly(int newTokens) {
    return greedy(newTokens).withPastEnd();
  }

  /** Greedy decoding without stop strings. */
  public static GenerationOptions greedy(int maxNewTokens) {
    return new GenerationOptions(maxNewTokens, 0, 1, 0, 0, List.of());
  }

  /** The same, on and on to the limit of tokens. */
  public GenerationOptions withPastEnd() {
    return new GenerationOptions(
        maxNewTokens, temperature, topP, topK, seed, stop, /* pastEnd= */ true, probabilities);
  }

  /** The same, with the probability of each token. */
  public GenerationOptions withProbabilities() {
    return new GenerationOptions(
        maxNewTokens, temperature, topP, topK, seed, stop, pastEnd, /* probabilities= */ true);
  }
}
