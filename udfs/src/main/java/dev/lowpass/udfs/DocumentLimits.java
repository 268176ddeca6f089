package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.DocumentException;
import dev.lowpass.pipeline.engine.Limits;
import dev.lowpass.pipeline.engine.Request;
import java.io.Serializable;
import java.time.Duration;

/**
 * What one document may cost, in a form that travels from the driver. It decides which documents
 * fail, not what the others become: it is not part of the fingerprint.
 *
 * @param deadline from when the engine has it, waiting included; null for none
 * @param inputTokens most tokens of a prompt, which is the document and what is asked of it; 0 for
 *     as many as the model takes
 */
public record DocumentLimits(Duration deadline, int inputTokens) implements Serializable {
  /** As much as the model takes, for as long as it takes. */
  public static final DocumentLimits NONE = new DocumentLimits(null, 0);

  /** No text has so many characters a token on average. */
  private static final int MOST_CHARACTERS_PER_TOKEN = 64;

  /**
   * Checks a number of tokens.
   *
   * @throws InputException if it is none
   */
  public static void checkInputTokens(int inputTokens) {
    if (inputTokens < 0) {
      throw new InputException("--max-input-tokens is " + inputTokens + "; give 0 (any) or more");
    }
  }

  /**
   * Refuses a text that cannot but be too long, which would take long to make tokens of.
   *
   * @throws DocumentException if it is
   */
  void check(String text) {
    if (inputTokens > 0 && text.length() > (long) MOST_CHARACTERS_PER_TOKEN * inputTokens) {
      throw new DocumentException(
          DocumentException.TOO_LONG,
          "the document has %d characters, and --max-input-tokens allows %d tokens; split the document, or allow more"
              .formatted(text.length(), inputTokens));
    }
  }

  Limits inEngine() {
    return deadline == null ? Limits.NONE : new Limits(deadline);
  }

  /**
   * Holds the prompts against the limit.
   *
   * @throws DocumentException if one is longer
   */
  void check(Request request) {
    int longest = request.prompts().stream().mapToInt(prompt -> prompt.length).max().orElse(0);
    if (inputTokens > 0 && longest > inputTokens) {
      throw new DocumentException(
          DocumentException.TOO_LONG,
          "the prompt has %d tokens, and --max-input-tokens allows %d; split the document, or allow more"
              .formatted(longest, inputTokens));
    }
  }
}
