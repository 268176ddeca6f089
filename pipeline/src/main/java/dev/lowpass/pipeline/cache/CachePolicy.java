package dev.lowpass.pipeline.cache;

import dev.lowpass.kernels.CachePlan;

/**
 * Decides what a full cache keeps, from lengths alone. An entry's position is its place in the
 * cache, so no position ever reaches {@link #cacheTokens()}. Tokens are appended while there is
 * {@link #room}; then {@link #plan} makes some, and so on.
 */
public interface CachePolicy {
  /** Its name on the command line and in the output table. */
  String name();

  /** The most entries a layer ever holds; {@code Integer.MAX_VALUE} where the sequence decides. */
  int cacheTokens();

  /** Tokens that a layer of {@code length} entries takes before the next plan. */
  default int room(int length) {
    return cacheTokens() - length;
  }

  /** What becomes of a full layer's {@code length} entries when another token needs room. */
  CachePlan plan(int length);
}
