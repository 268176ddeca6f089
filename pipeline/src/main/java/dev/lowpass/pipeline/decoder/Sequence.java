package dev.lowpass.pipeline.decoder;

import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Span;
import dev.lowpass.pipeline.cache.CachePolicy;
import java.util.List;

/**
 * One sequence's cache under a policy: tokens go in at the positions that the cache gives them, and
 * the policy makes room when it is full. Its memory is taken once.
 */
public final class Sequence implements AutoCloseable {
  private final Decoder decoder;
  private final CachePolicy policy;
  private final KvCache cache;
  private int compressions;

  /**
   * @param tokens the most that will go in; where the policy holds fewer, so does the cache
   */
  public Sequence(Decoder decoder, CachePolicy policy, int tokens) {
    this.decoder = decoder;
    this.policy = policy;
    this.cache = decoder.newCache(Math.min(tokens, policy.cacheTokens()));
  }

  /** Entries that a layer holds. */
  public int length() {
    return cache.length(0);
  }

  /** How often room was made. */
  public int compressions() {
    return compressions;
  }

  /** Device memory it takes. */
  public long bytes() {
    return cache.bytes();
  }

  /**
   * Tokens that the next pass may have, at least 1. Makes room if there is none, so ask only when
   * there is a token.
   */
  public int room() {
    if (policy.room(length()) < 1) {
      decoder.apply(cache, policy.plan(length()));
      compressions++;
    }
    return Math.min(decoder.maxRows(), policy.room(length()));
  }

  /**
   * Runs tokens through the decoder, no more than there is {@link #room} for.
   *
   * @param logitRows those of them whose logits are wanted
   */
  public void forward(int[] tokens, int[] logitRows) {
    float[] positions = new float[tokens.length];
    for (int i = 0; i < tokens.length; i++) {
      positions[i] = length() + i;
    }
    decoder.forward(tokens, positions, List.of(new Span(cache, 0, tokens.length)), logitRows);
  }

  /** Forgets all but the first {@code length} entries. */
  public void truncate(int length) {
    cache.truncate(length);
  }

  /** Becomes a branch of another sequence of the same decoder and policy. */
  public void branchOff(Sequence trunk) {
    decoder.copy(cache, trunk.cache);
  }

  @Override
  public void close() {
    cache.close();
  }
}
