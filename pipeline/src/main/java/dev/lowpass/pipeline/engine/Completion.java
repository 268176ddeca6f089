package dev.lowpass.pipeline.engine;

import java.util.List;

/**
 * What the model wrote for one prompt.
 *
 * @param text without end tokens and without the stop string
 * @param tokens all ids, an end token included
 * @param probabilities of the tokens that the model was asked for, in their order: without those
 *     that a constraint forced. Empty where nobody asked for them
 */
public record Completion(
    String text,
    List<Integer> tokens,
    FinishReason finishReason,
    List<TokenProbability> probabilities) {

  /** The mean probability of all tokens, the end token's included; 1 if none was the model's. */
  public double confidence() {
    return mean(probabilities);
  }

  /**
   * The mean probability of the tokens of which chars {@code [begin, end)} of the text were made; 1
   * where the constraint left the model no choice.
   */
  public double confidence(int begin, int end) {
    return mean(
        probabilities.stream()
            .filter(token -> token.begin() < end && token.end() > begin)
            .toList());
  }

  private static double mean(List<TokenProbability> tokens) {
    return tokens.stream().mapToDouble(TokenProbability::probability).average().orElse(1);
  }
}
