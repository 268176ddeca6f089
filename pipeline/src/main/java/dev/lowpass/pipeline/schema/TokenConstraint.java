package dev.lowpass.pipeline.schema;

/** What one completion may go on with. Belongs to that completion: one thread at a time. */
public interface TokenConstraint {
  /** Whether a token may come next. */
  boolean allows(int token);

  /** The most likely one of the tokens that may come next; of equals, the lowest. */
  int best(float[] logits);

  /** Sets the logits of tokens that may not come next to negative infinity. */
  void mask(float[] logits);

  /**
   * Tokens that come next whatever the model says, in the tokenizer's own spelling; often none.
   * They may be run in one pass, and each has to be accepted.
   */
  int[] forced();

  /**
   * Goes on behind a token.
   *
   * @throws IllegalArgumentException if it may not come next
   */
  void accept(int token);

  /** Whether nothing more can come. */
  boolean finished();
}
