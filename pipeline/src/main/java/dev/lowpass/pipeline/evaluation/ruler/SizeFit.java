package dev.lowpass.pipeline.evaluation.ruler;

import dev.lowpass.pipeline.evaluation.EvaluationException;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Finds how large a haystack may be for a length in tokens, drawing as RULER does: anew for every
 * size that it tries, and for every sample that turns out too long.
 *
 * @param maxTokens of prompt and answer
 * @param answerTokens of the longest answer
 * @param step by which a sample that does not fit shrinks, and RULER's smallest size
 */
record SizeFit(TokenCounter counter, int maxTokens, int answerTokens, int step) {
  /** Draws at RULER's smallest size before smaller ones are tried; RULER itself tries for ever. */
  private static final int DRAWS_AT_STEP = 100;

  /**
   * A question drawn.
   *
   * @param prompt with the answer's beginning
   */
  record Draw(String prompt, List<String> outputs) {}

  /** Three times the size that the tokens of one sample suggest. */
  int upperBound(String sample, int size) {
    double tokensPerUnit = (double) counter.count(sample) / size;
    return Math.max((int) (maxTokens / tokensPerUnit * 3), 2 * step);
  }

  /**
   * The largest size that fits by binary search, or {@code step}.
   *
   * @param otherTokens of what else the prompt will have
   */
  int largest(int upperBound, int otherTokens, IntFunction<Draw> draw) {
    int best = step;
    int low = step;
    int high = upperBound;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      if (tokens(draw.apply(middle).prompt()) + otherTokens <= maxTokens) {
        best = middle;
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return best;
  }

  /**
   * Draws until a sample fits, smaller each time.
   *
   * @throws EvaluationException if even the smallest does not
   */
  Draw draw(int size, IntFunction<Draw> draw) {
    int tokens = 0;
    int drawsLeft = DRAWS_AT_STEP;
    int current = size;
    while (current > 0) {
      try {
        Draw drawn = draw.apply(current);
        tokens = tokens(drawn.prompt());
        if (tokens <= maxTokens) {
          return drawn;
        }
      } catch (SizeException e) {
        // RULER, too, takes this for a sample that does not fit.
      }
      if (current > step) {
        current -= step;
      } else if (drawsLeft > 0) {
        drawsLeft--;
      } else {
        current -= (current + 9) / 10;
      }
    }
    throw new EvaluationException(
        "%d tokens are too few: the smallest sample takes %d".formatted(maxTokens, tokens));
  }

  /** Of a prompt and the longest answer. */
  int tokens(String prompt) {
    return counter.count(prompt) + answerTokens;
  }
}
