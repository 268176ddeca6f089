package dev.lowpass.udfs.settings;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import dev.lowpass.udfs.InputException;
import java.util.List;

/** A prefill and a cache policy. */
public record PolicyName(String prefill, String cache) {
  private static final String FULL = "full";

  /**
   * Reads a name of {@code --policies}: {@code freqkv} is {@code --prefill full --cache freqkv},
   * {@code fastkv+hybrid} is {@code --prefill fastkv --cache hybrid}, and {@code fastkv} alone goes
   * with {@code --cache full}.
   *
   * @throws InputException if there is no such policy
   */
  public static PolicyName parse(String name) {
    int plus = name.indexOf('+');
    PolicyName policy;
    if (plus >= 0) {
      policy = new PolicyName(name.substring(0, plus), name.substring(plus + 1));
    } else if (CacheOptions.POLICIES.contains(name)) {
      policy = new PolicyName(FULL, name);
    } else {
      policy = new PolicyName(name, FULL);
    }
    if (!PrefillOptions.POLICIES.contains(policy.prefill)
        || !CacheOptions.POLICIES.contains(policy.cache)) {
      throw new InputException(
          "--policies %s: there is no such policy; give a cache policy (%s), a prefill policy (%s), or PREFILL+CACHE"
              .formatted(
                  name,
                  String.join(", ", CacheOptions.POLICIES),
                  String.join(", ", PrefillOptions.POLICIES)));
    }
    return policy;
  }

  /** Whether a document may be longer than its cache. */
  public boolean bounded() {
    return !cache.equals(FULL);
  }

  /** Whether some layers see a selection of the tokens only. */
  public boolean selects() {
    return !prefill.equals(FULL);
  }

  /** Whether some of a document's tokens are not kept as they are. */
  public boolean chooses() {
    return bounded() || selects();
  }

  /** Whether the selection is made of the whole prompt, as in FastKV's paper. */
  public boolean selectsOnce() {
    return selects() && !bounded();
  }

  /** Whether tokens are scored by the attention that others pay them. */
  public boolean scores() {
    return selects() || cacheIs("snapkv", "hybrid");
  }

  public boolean cacheIs(String... names) {
    return List.of(names).contains(cache);
  }

  @Override
  public String toString() {
    if (!selects()) {
      return cache;
    }
    return bounded() ? prefill + "+" + cache : prefill;
  }
}
