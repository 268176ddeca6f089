package dev.lowpass.pipeline.cache;

import dev.lowpass.pipeline.model.ModelException;
import java.io.Serializable;
import java.util.List;

/**
 * A cache policy by name, and its parameters; {@link #policy} checks them against a model.
 *
 * @param cache one of {@link #POLICIES}
 * @param cacheTokens N, entries a layer holds; 0 for the model's window. {@code full} has none
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
    switch (cache) {
      case "full":
        return new FullCache();
      case "streaming":
        int half = Math.max(0, (tokens(window) - sinks) / 2);
        return band(window, recent == DEFAULT_RECENT ? half : recent, 0);
      case "freqkv":
        check(
            retainedRatio >= 0 && retainedRatio < 1,
            "--retained-ratio (gamma) is %s; give at least 0 and less than 1, or compression makes no room",
            retainedRatio);
        return band(window, recent == DEFAULT_RECENT ? 0 : recent, retainedRatio);
      default:
        throw new ModelException(
            "--cache is '%s'; use one of %s".formatted(cache, String.join(", ", POLICIES)));
    }
  }

  private int tokens(int window) {
    return cacheTokens == 0 ? window : cacheTokens;
  }

  private CachePolicy band(int window, int recentTokens, double ratio) {
    int tokens = tokens(window);
    check(sinks >= 0, "--sinks (S) is %s; give 0 or more", sinks);
    check(recentTokens >= 0, "--recent (R) is %s; give 0 or more", recentTokens);
    check(
        tokens <= window,
        "--cache-tokens (N) is %s, and positions reach it: give at most the model's window of %s (max_position_embeddings)",
        tokens,
        window);
    // M; the band must have an entry to give up.
    long band = (long) tokens - sinks - recentTokens;
    check(
        band >= 1,
        "--cache-tokens (N) is %s, and --sinks (S) and --recent (R) take %s of them: give at least %s, or fewer of those",
        tokens,
        (long) sinks + recentTokens,
        (long) sinks + recentTokens + 1);
    return new BandCache(cache, tokens, sinks, recentTokens, (int) (ratio * band));
  }

  private static void check(boolean condition, String message, Object... arguments) {
    if (!condition) {
      throw new ModelException(message.formatted(arguments));
    }
  }
}
