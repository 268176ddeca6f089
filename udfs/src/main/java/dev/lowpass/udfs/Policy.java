package dev.lowpass.udfs;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.io.Serializable;

/**
 * How a document is read and what is kept of it, resolved for the model.
 *
 * @param prefill the prefill policy and its parameters
 * @param cache the cache policy and its parameters
 */
public record Policy(PrefillOptions prefill, CacheOptions cache) implements Serializable {
  /** The most tokens a sequence's cache may hold. */
  public int cacheTokens() {
    return cache.cacheTokens();
  }

  /** Whether a document may be longer than its cache. */
  public boolean bounded() {
    return cache.bounded();
  }

  /** With the model, as Spark's plans show it. */
  public String on(EngineSpec engine) {
    return "model %s, prefill %s, cache %s of %d tokens"
        .formatted(engine.model(), prefill.prefill(), cache.cache(), cacheTokens());
  }

  /** Whether tokens are scored, so that it matters what observes them. */
  public boolean scores() {
    return prefill.selects() || cache.policy().scores();
  }
}
