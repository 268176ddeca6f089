package dev.lowpass.pipeline.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Optional;

/**
 * The rotary position embedding after scaling: position p turns the channel pair {@code (i, i +
 * headDim / 2)} of a head by {@code p * inverseFrequencies[i]} radians.
 *
 * <p>Scaling methods, by {@code rope_type}: {@code linear} (position interpolation), {@code llama3}
 * (Llama 3.1's: low frequencies divided, high ones kept, a ramp between) and {@code yarn} (YaRN,
 * section 3.2 "NTK-by-parts" and 3.4 "attention scaling", with the reference implementation's
 * rounding of the ramp's ends).
 */
public final class RopeParameters {
  private static final String TYPE = "rope_type";
  private static final String THETA = "rope_theta";
  private static final String FACTOR = "factor";
  private static final String ORIGINAL = "original_max_position_embeddings";
  private static final double DEFAULT_THETA = 10_000;

  private final double[] inverseFrequencies;
  private final double attentionFactor;
  private final int scaledPositions;

  private RopeParameters(double[] inverseFrequencies, double attentionFactor, int scaledPositions) {
    this.inverseFrequencies = inverseFrequencies;
    this.attentionFactor = attentionFactor;
    this.scaledPositions = scaledPositions;
  }

  /** Radians a position for each channel pair, {@code headDim / 2} of them. */
  public double[] inverseFrequencies() {
    return inverseFrequencies.clone();
  }

  /** What cosine and sine are multiplied by: YaRN's attention temperature, 1 elsewhere. */
  public double attentionFactor() {
    return attentionFactor;
  }

  /** How many positions the scaling itself says it reaches; 0 where it says nothing. */
  int scaledPositions() {
    return scaledPositions;
  }

  /**
   * Reads {@code rope_theta} with {@code rope_scaling}, or the newer {@code rope_parameters} that
   * holds both. As in transformers, {@code rope_scaling} wins where both are stated, and a nested
   * {@code rope_theta} over the outer one.
   *
   * @param config the whole configuration
   * @param maxPositions {@code max_position_embeddings}
   */
  static RopeParameters parse(JsonObject config, int headDim, int maxPositions) {
    Optional<JsonObject> scaling =
        config.object("rope_scaling").or(() -> config.object("rope_parameters"));
    JsonObject stated = scaling.orElse(config);
    requireWholeHead(config);
    requireWholeHead(stated);
    for (String layerType : List.of("full_attention", "sliding_attention")) {
      if (stated.has(layerType)) {
        throw stated.problem(layerType, "is set by layer type, which is not supported");
      }
    }
    double theta = stated.positive(THETA, config.positive(THETA, DEFAULT_THETA));
    if (theta <= 1) {
      throw (stated.has(THETA) ? stated : config).wrong(THETA, "greater than 1");
    }
    double[] plain = new double[headDim / 2];
    for (int i = 0; i < plain.length; i++) {
      plain[i] = Math.pow(theta, -2.0 * i / headDim);
    }
    if (scaling.isEmpty()) {
      return new RopeParameters(plain, 1, 0);
    }
    String typeKey = stated.has(TYPE) ? TYPE : "type";
    String type = stated.text(typeKey, "default");
    return switch (type) {
      case "default" -> new RopeParameters(plain, 1, 0);
      case "linear" -> linear(stated, plain);
      case "llama3" -> llama3(stated, plain, maxPositions);
      case "yarn" -> yarn(stated, plain, theta, maxPositions);
      default -> throw stated.wrong(typeKey, "one of default, linear, llama3, yarn");
    };
  }

  private static void requireWholeHead(JsonObject object) {
    if (object.positive("partial_rotary_factor", 1) != 1) {
      throw object.wrong("partial_rotary_factor", "1 (partly rotated heads are not supported)");
    }
  }

  private static double factor(JsonObject scaling) {
    double factor = scaling.positive(FACTOR);
    if (factor < 1) {
      throw scaling.wrong(FACTOR, "at least 1");
    }
    return factor;
  }

  private static RopeParameters linear(JsonObject scaling, double[] plain) {
    double factor = factor(scaling);
    double[] scaled = new double[plain.length];
    for (int i = 0; i < plain.length; i++) {
      scaled[i] = plain[i] / factor;
    }
    return new RopeParameters(scaled, 1, 0);
  }

  private static RopeParameters llama3(JsonObject scaling, double[] plain, int maxPositions) {
    double factor = factor(scaling);
    double low = scaling.positive("low_freq_factor");
    double high = scaling.positive("high_freq_factor");
    if (high <= low) {
      throw scaling.wrong("high_freq_factor", "greater than low_freq_factor");
    }
    double original = scaling.size(ORIGINAL, Integer.MAX_VALUE, maxPositions);
    double[] scaled = new double[plain.length];
    for (int i = 0; i < plain.length; i++) {
      double turns = original * plain[i] / (2 * Math.PI); // over the original window
      double kept = clamp((turns - low) / (high - low));
      scaled[i] = plain[i] * (kept + (1 - kept) / factor);
    }
    return new RopeParameters(scaled, 1, 0);
  }

  private static RopeParameters yarn(
      JsonObject scaling, double[] plain, double theta, int maxPositions) {
    double factor = factor(scaling);
    int original = scaling.size(ORIGINAL, Integer.MAX_VALUE, maxPositions);
    double betaFast = optional(scaling, "beta_fast", 32);
    double betaSlow = optional(scaling, "beta_slow", 1);
    int headDim = 2 * plain.length;
    double start = pairTurning(betaFast, original, theta, headDim);
    double end = pairTurning(betaSlow, original, theta, headDim);
    if (scaling.flag("truncate", true)) {
      start = Math.floor(start);
      end = Math.ceil(end);
    }
    start = Math.max(start, 0);
    end = Math.min(end, headDim - 1);
    double width = start == end ? 0.001 : end - start;
    double[] scaled = new double[plain.length];
    for (int i = 0; i < plain.length; i++) {
      double interpolated = clamp((i - start) / width);
      scaled[i] = plain[i] * (interpolated / factor + 1 - interpolated);
    }
    long reach = Math.round(Math.min(original * factor, Integer.MAX_VALUE));
    return new RopeParameters(scaled, yarnAttentionFactor(scaling, factor), (int) reach);
  }

  /** The (real) index of the channel pair that turns so many times over the original window. */
  private static double pairTurning(double turns, int original, double theta, int headDim) {
    return headDim * Math.log(original / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
  }

  private static double yarnAttentionFactor(JsonObject scaling, double factor) {
    if (scaling.has("attention_factor")) {
      return scaling.positive("attention_factor");
    }
    double mscale = optional(scaling, "mscale", 0);
    double mscaleAllDim = optional(scaling, "mscale_all_dim", 0);
    return mscale != 0 && mscaleAllDim != 0
        ? temperature(factor, mscale) / temperature(factor, mscaleAllDim)
        : temperature(factor, 1);
  }

  private static double temperature(double factor, double mscale) {
    return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
  }

  /** A positive number; absent and 0 both mean the default, as in transformers. */
  private static double optional(JsonObject scaling, String key, double defaultValue) {
    JsonNode value = scaling.get(key);
    boolean unset = value == null || (value.isNumber() && value.doubleValue() == 0);
    return unset ? defaultValue : scaling.positive(key);
  }

  private static double clamp(double value) {
    return Math.min(Math.max(value, 0), 1);
  }
}
