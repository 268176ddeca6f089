package dev.lowpass.pipeline.prefill;

import static dev.lowpass.pipeline.model.Settings.check;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.model.Settings;
import java.io.Serializable;
import java.util.List;

/**
 * A prefill policy by name, and its parameters; {@link #resolve} checks them against a model and
 * its cache and puts in what defaults stand for. The observation window is the cache's ({@link
 * CacheOptions#observation()}).
 *
 * @param prefill one of {@link #POLICIES}
 * @param tspLayer T, the last layer that sees every token, from 0; {@link #DEFAULT_LAYER} for
 *     {@code layers / 2 - 1}
 * @param tspRate tau, the share of tokens that layers after T see, in (0, 1]; 0 for the default,
 *     0.2, or where {@code tspLength} is given
 * @param tspLength the same as a number of tokens, instead of a share; 0 for none
 * @param retentionRate rho, the share of the prompt that each layer keeps of a full cache, in (0,
 *     1]; 0 for the default, 0.1, or where {@code retentionTokens} is given
 * @param retentionTokens the same as a number of tokens, instead of a share; 0 for none
 */
public record PrefillOptions(
    String prefill,
    int tspLayer,
    double tspRate,
    int tspLength,
    double retentionRate,
    int retentionTokens)
    implements Serializable {
  /** The policies there are. */
  public static final List<String> POLICIES = List.of("full", "fastkv");

  /** The settings that {@link #of(Settings)} reads. */
  public static final List<String> SETTINGS =
      List.of(
          "prefill", "tsp-layer", "tsp-rate", "tsp-length", "retention-rate", "retention-tokens");

  public static final int DEFAULT_LAYER = -1;
  public static final double DEFAULT_TSP_RATE = 0.2;
  public static final double DEFAULT_RETENTION_RATE = 0.1;

  /** Every token through every layer. */
  public static final PrefillOptions FULL = of("full");

  /** A policy with the paper's parameters. */
  public static PrefillOptions of(String prefill) {
    return new PrefillOptions(prefill, DEFAULT_LAYER, 0, 0, 0, 0);
  }

  /**
   * A policy from settings by name, the paper's parameters where there are none.
   *
   * @throws ModelException if one is not of its type
   */
  public static PrefillOptions of(Settings settings) {
    return new PrefillOptions(
        settings.text("prefill", FULL.prefill),
        settings.integer("tsp-layer", DEFAULT_LAYER),
        settings.number("tsp-rate", 0),
        settings.integer("tsp-length", 0),
        settings.number("retention-rate", 0),
        settings.integer("retention-tokens", 0));
  }

  /** Whether layers after T see fewer tokens. */
  public boolean selects() {
    return prefill.equals("fastkv");
  }

  /**
   * The same, checked, with the values that defaults stand for. What is not used is 0.
   *
   * @param layers the model's
   * @param cache the cache policy, resolved for it
   * @throws ModelException if the parameters do not go together, or with the model or the cache
   */
  public PrefillOptions resolve(int layers, CacheOptions cache) {
    Settings.oneOf("prefill", prefill, POLICIES);
    if (!selects()) {
      return new PrefillOptions(prefill, 0, 0, 0, 0, 0);
    }
    int layer = tspLayer == DEFAULT_LAYER ? layers / 2 - 1 : tspLayer;
    check(
        layer >= 0 && layer < layers - 1,
        "--tsp-layer (T) is %s, and the model has %s layers: give 0 to %s, or --prefill full",
        layer,
        layers,
        layers - 2);
    check(
        tspRate >= 0 && tspRate <= 1,
        "--tsp-rate (tau) is %s; give more than 0 and at most 1",
        tspRate);
    check(tspLength >= 0, "--tsp-length is %s; give 1 or more", tspLength);
    check(
        tspRate == 0 || tspLength == 0,
        "--tsp-rate (tau) and --tsp-length are both given; give one of them");
    double tau = tspRate == 0 && tspLength == 0 ? DEFAULT_TSP_RATE : tspRate;
    PrefillOptions resolved =
        new PrefillOptions(prefill, layer, tau, tspLength, retentionRate, retentionTokens);
    return cache.bounded() ? resolved.bounded(cache) : resolved.unbounded(cache);
  }

  /** Chunk by chunk; what is kept is the cache's affair. */
  private PrefillOptions bounded(CacheOptions cache) {
    check(
        tspLength == 0,
        "--tsp-length is given, and --cache %s reads chunk by chunk: give --tsp-rate (tau)",
        cache.cache());
    check(
        retentionRate == 0 && retentionTokens == 0,
        "--retention-rate (rho) or --retention-tokens is given, and --cache %s keeps --cache-tokens (N): leave it out",
        cache.cache());
    int chunk = cache.band() - cache.retained();
    int window = cache.observation().window();
    check(
        tspRate * chunk >= window,
        "--tsp-rate (tau) is %s, which leaves %s of a chunk of M - L = %s tokens, and --observation-window (w) is %s: give a larger tau, more --cache-tokens (N), or a smaller w",
        tspRate,
        (int) (tspRate * chunk),
        chunk,
        window);
    return this;
  }

  /** The paper itself. */
  private PrefillOptions unbounded(CacheOptions cache) {
    check(
        retentionRate >= 0 && retentionRate <= 1,
        "--retention-rate (rho) is %s; give more than 0 and at most 1",
        retentionRate);
    check(retentionTokens >= 0, "--retention-tokens is %s; give 1 or more", retentionTokens);
    check(
        retentionRate == 0 || retentionTokens == 0,
        "--retention-rate (rho) and --retention-tokens are both given; give one of them");
    int observed = cache.observation().window() + cache.sinks();
    check(
        retentionTokens == 0 || retentionTokens > observed,
        "--retention-tokens is %s, and --observation-window (w) and --sinks (S), which are always kept, take %s: give more",
        retentionTokens,
        observed);
    check(
        tspLength == 0 || tspLength > observed,
        "--tsp-length is %s, and --observation-window (w) and --sinks (S), which always go on, take %s: give more",
        tspLength,
        observed);
    double rho =
        retentionRate == 0 && retentionTokens == 0 ? DEFAULT_RETENTION_RATE : retentionRate;
    check(
        tspRate == 0 || tspRate == 1 || rho < tspRate,
        "--retention-rate (rho) is %s and --tsp-rate (tau) is %s: layers after T would keep all that they see; give a smaller rho or a larger tau",
        rho,
        tspRate);
    return new PrefillOptions(prefill, tspLayer, tspRate, tspLength, rho, retentionTokens);
  }
}
