package dev.lowpass.pipeline.cache;

import dev.lowpass.pipeline.model.ModelException;
import java.io.Serializable;
import java.util.List;

/**
 * A cache policy by name, and its parameters; {@link #policy} checks them against a model.
 *
 * @param cache one of {@link #POLICIES}
 * @param cacheTokens N, entries a layer holds; 0 for the model's window
 * @param sinks S, first tokens that are never touched
 * @param retainedRatio gamma, the share of the band that {@code freqkv} leaves, in [0, 1)
 * @param recent R, last tokens that stay exact; {@link #DEFAULT_RECENT} for the policy's own: 0 for
 *     {@code freqkv}; for {@code streaming} half of {@code N - S}, so that it makes room as seldom
 */
public record CacheOptions(
    String cache, int cacheTokens, int sinks, double retainedRatio, int recent)
    implements Serializable {
  /** The policies there are. */
  public static final List<String> POLICIES = List.of("full", "streaming", "freqkv");

  public static final int DEFAULT_SINKS = 4;
  public static final double DEFAULT_RETAINED_RATIO = 0.5;
  public static final int DEFAULT_RECENT = -1;

  /** Every token, up to the model's window. */
  public static final CacheOptions FULL = of("full", 0);

  /** A policy with the papers' parameters. */
  public static CacheOptions of(String cache, int cacheTokens) {
    return new CacheOptions(
        cache, cacheTokens, DEFAULT_SINKS, DEFAULT_RETAINED_RATIO, DEFAULT_RECENT);
  }

  /**
   * The policy for a model.
   *
   * @param window the model's max_position_embeddings
   * @throws ModelException if the parameters do not go together, or with the model
   */
  public CachePolicy policy(int window) {
    CacheOptions resolved = resolve(window);
    if (cache.equals(FULL.cache)) {
      return new FullCache();
    }
    int retained = (int) (resolved.retainedRatio * resolved.band());
    return new BandCache(cache, resolved.cacheTokens, resolved.sinks, resolved.recent, retained);
  }

  /**
   * The same, checked, with the values that defaults stand for on a model. What the policy has no
   * use for is 0.
   *
   * @throws ModelException as {@link #policy}
   */
  public CacheOptions resolve(int window) {
    int tokens = cacheTokens == 0 ? window : cacheTokens;
    switch (cache) {
      case "full":
        return new CacheOptions(cache, Math.min(tokens, window), 0, 0, 0);
      case "streaming":
        int half = Math.max(0, (tokens - Math.max(0, sinks)) / 2);
        return new CacheOptions(cache, tokens, sinks, 0, recent == DEFAULT_RECENT ? half : recent)
            .checked(window);
      case "freqkv":
        int none = recent == DEFAULT_RECENT ? 0 : recent;
        return new CacheOptions(cache, tokens, sinks, retainedRatio, none).checked(window);
      default:
        throw new ModelException(
            "--cache is '%s'; use one of %s".formatted(cache, String.join(", ", POLICIES)));
    }
  }

  /** M: entries between the sinks and the recent tokens of a full layer. */
  private long band() {
    return (long) cacheTokens - sinks - recent;
  }

  private CacheOptions checked(int window) {
    check(
        retainedRatio >= 0 && retainedRatio < 1,
        "--retained-ratio (gamma) is %s; give at least 0 and less than 1, or compression makes no room",
        retainedRatio);
    check(sinks >= 0, "--sinks (S) is %s; give 0 or more", sinks);
    check(recent >= 0, "--recent (R) is %s; give 0 or more", recent);
    check(
        cacheTokens <= window,
        "--cache-tokens (N) is %s, and positions reach it: give at most the model's window of %s (max_position_embeddings)",
        cacheTokens,
        window);
    check(
        band() >= 1,
        "--cache-tokens (N) is %s, and --sinks (S) and --recent (R) take %s of them: give at least %s, or fewer of those",
        cacheTokens,
        (long) sinks + recent,
        (long) sinks + recent + 1);
    return this;
  }

  private static void check(boolean condition, String message, Object... arguments) {
    if (!condition) {
      throw new ModelException(message.formatted(arguments));
    }
  }
}
