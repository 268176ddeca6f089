package dev.lowpass.pipeline.cache;

import static dev.lowpass.pipeline.model.Settings.check;

import dev.lowpass.kernels.CacheType;
import dev.lowpass.pipeline.model.ModelConfig;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.model.Settings;
import java.io.Serializable;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A cache policy by name, and its parameters; {@link #resolve} checks them against a model and puts
 * in what defaults stand for. A layer of a bounded cache holds {@code N = S + M + E + R} entries.
 *
 * @param cache one of {@link #POLICIES}
 * @param cacheTokens N, entries a layer holds; 0 for the model's window
 * @param type one of {@link #TYPES}: how keys and values are stored
 * @param sinks S, first tokens that are never touched
 * @param retainedRatio gamma, the share of the band's M that {@code freqkv} and {@code hybrid}
 *     leave, in [0, 1): {@code L = floor(gamma M)}
 * @param recent R, last tokens that stay exact; {@link #DEFAULT_RECENT} for the policy's own: 0 for
 *     {@code freqkv} and {@code hybrid}; w for {@code snapkv}; for {@code streaming} half of {@code
 *     N - S}, so that it makes room as seldom
 * @param exactShare the share of {@code N - S - R} in which {@code hybrid} and {@code snapkv} keep
 *     the best tokens exactly, in [0, 1): {@code E}
 * @param observation how tokens are scored, by cache and prefill alike
 * @param positions one of {@link #POSITIONS}
 * @param probe one of {@link #PROBES}: whether the questions about a document observe it all at
 *     once, or each reads it anew
 */
public record CacheOptions(
    String cache,
    int cacheTokens,
    String type,
    int sinks,
    double retainedRatio,
    int recent,
    double exactShare,
    Observation observation,
    String positions,
    String probe)
    implements Serializable {
  /** What sets one policy apart from another. */
  private enum Kind {
    FULL(false, false),
    STREAMING(false, false),
    SNAPKV(true, false),
    FREQKV(false, true),
    HYBRID(true, true);

    /** Whether it has a bank. */
    private final boolean keepsBest;

    /** Whether its band is low-passed; else it goes. */
    private final boolean filters;

    Kind(boolean keepsBest, boolean filters) {
      this.keepsBest = keepsBest;
      this.filters = filters;
    }
  }

  /** The policies there are. */
  public static final List<String> POLICIES =
      Stream.of(Kind.values()).map(kind -> kind.name().toLowerCase(Locale.ROOT)).toList();

  /**
   * How a cache stores keys and values; {@code auto} is float32 on the CPU, the type of the
   * checkpoint on a GPU.
   */
  public static final List<String> TYPES =
      Stream.of(CacheType.values()).map(type -> type.name().toLowerCase(Locale.ROOT)).toList();

  /**
   * What an entry's position is: its place in the cache (FreqKV), or its token's in the prompt
   * (FastKV). {@code auto} is the prompt's where that and its answer fit the window of a model that
   * was not tuned with a bounded cache.
   */
  public static final List<String> POSITIONS = List.of("auto", "cache", "original");

  public static final List<String> PROBES = List.of("all", "each");

  /** The settings that {@link #of(Settings)} reads. */
  public static final List<String> SETTINGS =
      List.of(
          "cache",
          "cache-tokens",
          "cache-type",
          "sinks",
          "retained-ratio",
          "recent",
          "exact-share",
          "observation-window",
          "pooling",
          "pooling-kernel",
          "positions",
          "probe");

  public static final int DEFAULT_SINKS = 4;
  public static final double DEFAULT_RETAINED_RATIO = 0.5;
  public static final int DEFAULT_RECENT = -1;
  public static final double DEFAULT_EXACT_SHARE = 0.5;

  /** Every token, up to the model's window. */
  public static final CacheOptions FULL = of("full", 0);

  /** A policy with the papers' parameters. */
  public static CacheOptions of(String cache, int cacheTokens) {
    return new CacheOptions(
        cache,
        cacheTokens,
        "auto",
        DEFAULT_SINKS,
        DEFAULT_RETAINED_RATIO,
        DEFAULT_RECENT,
        DEFAULT_EXACT_SHARE,
        Observation.DEFAULT,
        "auto",
        "all");
  }

  /**
   * A policy from settings by name, the papers' parameters where there are none.
   *
   * @throws ModelException if one is not of its type
   */
  public static CacheOptions of(Settings settings) {
    return FULL.with(settings);
  }

  /** The same but for one of {@link #SETTINGS}. */
  public CacheOptions with(String setting, Object value) {
    return with(new Settings(Map.of(setting, value.toString())));
  }

  private CacheOptions with(Settings settings) {
    return new CacheOptions(
        settings.text("cache", cache),
        settings.integer("cache-tokens", cacheTokens),
        settings.text("cache-type", type),
        settings.integer("sinks", sinks),
        settings.number("retained-ratio", retainedRatio),
        settings.integer("recent", recent),
        settings.number("exact-share", exactShare),
        new Observation(
            settings.integer("observation-window", observation.window()),
            settings.text("pooling", observation.pooling()),
            settings.integer("pooling-kernel", observation.kernel())),
        settings.text("positions", positions),
        settings.text("probe", probe));
  }

  /**
   * The same, checked, with the values that defaults stand for on a model. What the policy has no
   * use for is 0; sinks and observation stay, for a prefill that may have. Positions are {@code
   * auto} only where each document decides.
   *
   * @param window the model's max_position_embeddings
   * @param tuned whether the model was trained with a bounded cache
   * @throws ModelException if the parameters do not go together, or with the model
   */
  public CacheOptions resolve(int window, boolean tuned) {
    Kind kind = kind();
    Settings.oneOf("cache-type", type, TYPES);
    Settings.oneOf("positions", positions, POSITIONS);
    Settings.oneOf("probe", probe, PROBES);
    observation.checked();
    check(sinks >= 0, "--sinks (S) is %s; give 0 or more", sinks);
    check(
        cacheTokens >= 0,
        "--cache-tokens (N) is %s; give 0 (the model's window) or more",
        cacheTokens);
    int tokens = cacheTokens == 0 ? window : cacheTokens;
    int ownRecent =
        switch (kind) {
          case STREAMING -> Math.max(0, (tokens - sinks) / 2);
          case SNAPKV -> observation.window();
          case FULL, FREQKV, HYBRID -> 0;
        };
    CacheOptions resolved =
        new CacheOptions(
            cache,
            bounded() ? tokens : Math.min(tokens, window),
            type,
            sinks,
            kind.filters ? retainedRatio : 0,
            bounded() && recent != DEFAULT_RECENT ? recent : ownRecent,
            kind.keepsBest ? exactShare : 0,
            observation,
            tuned && bounded() && positions.equals("auto") ? "cache" : positions,
            probe);
    if (bounded()) {
      resolved.checkSizes(window);
    }
    return resolved;
  }

  private void checkSizes(int window) {
    check(
        retainedRatio >= 0 && retainedRatio < 1,
        "--retained-ratio (gamma) is %s; give at least 0 and less than 1, or compression makes no room",
        retainedRatio);
    check(
        exactShare >= 0 && exactShare < 1,
        "--exact-share is %s; give at least 0 and less than 1, or there is no band to make room in",
        exactShare);
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
    check(
        retainedRatio == 0 || retained() >= 1,
        "--retained-ratio (gamma) is %s, which leaves nothing of a band of M = %s: give more than 1 / M, or 0 to drop the band",
        retainedRatio,
        band());
  }

  /** The type, as a device takes it. */
  public CacheType deviceType() {
    return CacheType.valueOf(Settings.oneOf("cache-type", type, TYPES).toUpperCase(Locale.ROOT));
  }

  /** Bytes that a token takes in the caches of all layers; {@code auto} counts as float32. */
  public long bytesPerToken(ModelConfig config) {
    return 2L * config.layers() * config.kvHeads() * deviceType().bytes(config.headDim());
  }

  /** The policy of resolved options. */
  public CachePolicy policy() {
    return bounded()
        ? new CachePolicy(cache, cacheTokens, sinks, recent, exact(), retained())
        : new CachePolicy(cache, Integer.MAX_VALUE, sinks, 0, 0, 0);
  }

  private Kind kind() {
    return Kind.valueOf(Settings.oneOf("cache", cache, POLICIES).toUpperCase(Locale.ROOT));
  }

  /**
   * Whether the questions about a document observe it, where they are known; the last tokens of
   * each block otherwise.
   */
  public boolean probed() {
    return !cache.equals("snapkv");
  }

  /** Whether a document may be longer than its cache. */
  public boolean bounded() {
    return !cache.equals("full");
  }

  /** E of a resolved policy: entries of the bank, the best tokens that are kept exactly. */
  public int exact() {
    return (int) (exactShare * ((long) cacheTokens - sinks - recent));
  }

  /** M of a resolved policy: entries of the band when a layer is full. */
  public int band() {
    return (int) Math.max(Integer.MIN_VALUE, (long) cacheTokens - sinks - recent - exact());
  }

  /** L of a resolved policy: entries that compression leaves of the band. */
  public int retained() {
    return (int) (retainedRatio * band());
  }
}
