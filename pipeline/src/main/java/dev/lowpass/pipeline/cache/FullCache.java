package dev.lowpass.pipeline.cache;

import dev.lowpass.kernels.CachePlan;

/** Every token's keys and values, as the model was trained with. */
record FullCache() implements CachePolicy {
  @Override
  public String name() {
    return "full";
  }

  @Override
  public int cacheTokens() {
    return Integer.MAX_VALUE;
  }

  @Override
  public CachePlan plan(int length) {
    return CachePlan.of(length, new CachePlan.Keep(0, length));
  }
}
