package dev.lowpass.pipeline.decoder;

import dev.lowpass.kernels.Positions;
import dev.lowpass.pipeline.cache.CachePolicy;
import dev.lowpass.pipeline.cache.Observation;
import dev.lowpass.pipeline.prefill.FastKv;

/**
 * How one sequence is read and kept.
 *
 * @param policy what a layer's cache keeps
 * @param fastKv which tokens go on after layer T, and what a full cache keeps; null for all
 * @param observation how tokens are scored
 * @param positions what keys and queries are rotated by
 * @param tokens the most that will go in; where the policy holds fewer, so does the cache
 * @param probeTokens the longest probe
 * @param scored whether blocks will be {@linkplain Sequence#read read} rather than just {@linkplain
 *     Sequence#forward run}
 */
public record SequenceOptions(
    CachePolicy policy,
    FastKv fastKv,
    Observation observation,
    Positions positions,
    int tokens,
    int probeTokens,
    boolean scored) {

  /** Entries that a layer's cache has room for, probes left out. */
  int entries() {
    return Math.min(tokens, policy.cacheTokens());
  }

  /** Entries that it has room for in all. */
  int rows() {
    return entries() + probeTokens;
  }

  /** Every token through every layer, at the place that it has in the cache. */
  public static SequenceOptions unscored(CachePolicy policy, int tokens) {
    return new SequenceOptions(
        policy,
        /* fastKv= */ null,
        Observation.DEFAULT,
        Positions.CACHE,
        tokens,
        /* probeTokens= */ 0,
        /* scored= */ false);
  }
}
