package dev.lowpass.udfs;

import dev.lowpass.pipeline.cache.CacheOptions;
import java.io.Serializable;

/**
 * How a document is read and what is kept of it.
 *
 * @param prefill name of the prefill policy
 * @param cache the cache policy and its parameters, resolved for the model
 */
public record Policy(String prefill, CacheOptions cache) implements Serializable {
  /** The most tokens a sequence's cache may hold. */
  public int cacheTokens() {
    return cache.cacheTokens();
  }

  /** Whether a document may be longer than its cache. */
  public boolean bounded() {
    return !cache.cache().equals(CacheOptions.FULL.cache());
  }
}
