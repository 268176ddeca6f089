package dev.lowpass.jobs;

import dev.lowpass.pipeline.cache.CacheOptions;
import java.util.List;

/**
 * A prefill and a cache policy, as {@code --policies} names them: {@code freqkv} is {@code
 * --prefill full --cache freqkv}, {@code fastkv+hybrid} is {@code --prefill fastkv --cache hybrid},
 * and {@code fastkv} alone goes with {@code --cache full}.
 */
record PolicyName(String prefill, String cache) {
  static final List<String> PREFILLS = List.of("full");

  /**
   * Reads a name.
   *
   * @throws UsageException if there is no such policy
   */
  static PolicyName parse(String name) {
    String[] parts = name.split("\\+", -1);
    if (parts.length == 2) {
      return new PolicyName(parts[0], parts[1]).checked("--policies " + name);
    }
    boolean prefill = PREFILLS.contains(name) && !CacheOptions.POLICIES.contains(name);
    PolicyName policy = prefill ? new PolicyName(name, "full") : new PolicyName("full", name);
    return policy.checked("--policies " + name);
  }

  private PolicyName checked(String given) {
    if (!PREFILLS.contains(prefill) || !CacheOptions.POLICIES.contains(cache)) {
      throw new UsageException(
          "%s: there is no such policy; the caches are %s, and a prefill other than full goes before one as in PREFILL+CACHE: %s"
              .formatted(
                  given, String.join(", ", CacheOptions.POLICIES), String.join(", ", PREFILLS)));
    }
    return this;
  }

  @Override
  public String toString() {
    if (prefill.equals("full")) {
      return cache;
    }
    return cache.equals("full") ? prefill : prefill + "+" + cache;
  }
}
