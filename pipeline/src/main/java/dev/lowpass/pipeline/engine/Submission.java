package dev.lowpass.pipeline.engine;

import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * A document that was handed over.
 *
 * @param listener is given text of its answers as it is written, on the engine's thread
 * @param submitted when, of {@link System#nanoTime}
 */
record Submission(
    EngineClient client,
    Reading reading,
    GenerationOptions options,
    Limits limits,
    Consumer<String> listener,
    CompletableFuture<Result> future,
    long submitted) {

  /** Nobody listens. */
  static final Consumer<String> SILENT = text -> {};

  /**
   * Checks that it is still wanted.
   *
   * @throws java.util.concurrent.CancellationException if its client does not want it any more
   * @throws DocumentException if its deadline is past
   */
  void check() {
    if (future.isCancelled()) {
      throw Engine.cancelled();
    }
    if (limits.deadline() == null) {
      return;
    }
    long taken = System.nanoTime() - submitted;
    if (taken > limits.deadline().toNanos()) {
      throw new DocumentException(
          DocumentException.DEADLINE,
          "not done %.1f s after it was submitted, and its deadline is %.1f s; give it more time, ask for fewer tokens, or split the document"
              .formatted(taken / 1e9, limits.deadline().toNanos() / 1e9));
    }
  }

  /** Whether it can be done again from the beginning: nobody has heard any of it. */
  boolean repeatable() {
    return listener == SILENT;
  }
}
