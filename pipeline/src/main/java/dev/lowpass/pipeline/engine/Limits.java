package dev.lowpass.pipeline.engine;

import java.time.Duration;

/**
 * What a document may take.
 *
 * @param deadline from its submission; past it the document fails as {@link
 *     DocumentException#DEADLINE}. Null for none
 */
public record Limits(Duration deadline) {
  public static final Limits NONE = new Limits(null);

  public Limits {
    if (deadline != null && (deadline.isNegative() || deadline.isZero())) {
      throw new IllegalArgumentException("the deadline is " + deadline + "; give more than 0");
    }
  }
}
