package dev.lowpass.pipeline.decoder;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Rotary positions (Su et al. 2021) in float64, with position interpolation (Chen et al. 2023),
 * Llama 3.1's and YaRN's (Peng et al. 2023) scaling, channel pair by channel pair.
 */
final class ReferenceRope {
  private final double[] radians;
  private final double amplitude;

  private ReferenceRope(double[] radians, double amplitude) {
    this.radians = radians;
    this.amplitude = amplitude;
  }

  static ReferenceRope of(JsonNode config, int headDim) {
    JsonNode scaling =
        config.hasNonNull("rope_scaling")
            ? config.get("rope_scaling")
            : config.path("rope_parameters");
    double base = scaling.path("rope_theta").asDouble(config.path("rope_theta").asDouble(10000));
    String type = scaling.path("rope_type").asText(scaling.path("type").asText("default"));
    double window =
        scaling
            .path("original_max_position_embeddings")
            .asDouble(config.get("max_position_embeddings").asDouble());
    double stretch = scaling.path("factor").asDouble(1);
    double[] radians = new double[headDim / 2];
    for (int i = 0; i < radians.length; i++) {
      double wavelength = 2 * Math.PI * Math.pow(base, 2.0 * i / headDim);
      double slow = 2 * Math.PI / (wavelength * stretch);
      double fast = 2 * Math.PI / wavelength;
      radians[i] =
          switch (type) {
            case "linear" -> slow;
            case "llama3" -> llama3(scaling, window, wavelength, slow, fast);
            case "yarn" -> yarn(scaling, window, base, headDim, i, slow, fast);
            default -> fast;
          };
    }
    return new ReferenceRope(radians, type.equals("yarn") ? yarnAmplitude(scaling, stretch) : 1);
  }

  /** Turns pairs {@code (i, i + headDim / 2)} of the head that starts at {@code from}. */
  void rotate(double[] x, int from, double position) {
    int half = radians.length;
    for (int i = 0; i < half; i++) {
      double cos = Math.cos(position * radians[i]) * amplitude;
      double sin = Math.sin(position * radians[i]) * amplitude;
      double a = x[from + i];
      double b = x[from + half + i];
      x[from + i] = a * cos - b * sin;
      x[from + half + i] = a * sin + b * cos;
    }
  }

  /** Waves longer than {@code window / low} are slowed, those shorter than {@code / high} kept. */
  private static double llama3(
      JsonNode scaling, double window, double wavelength, double slow, double fast) {
    double low = scaling.get("low_freq_factor").asDouble();
    double high = scaling.get("high_freq_factor").asDouble();
    if (wavelength > window / low) {
      return slow;
    }
    if (wavelength < window / high) {
      return fast;
    }
    double smooth = (window / wavelength - low) / (high - low);
    return (1 - smooth) * slow + smooth * fast;
  }

  /** Pairs that turn more than beta_fast times are kept, those less than beta_slow are slowed. */
  private static double yarn(
      JsonNode scaling, double window, double base, int headDim, int i, double slow, double fast) {
    double low = pair(scaling.path("beta_fast").asDouble(32), window, base, headDim);
    double high = pair(scaling.path("beta_slow").asDouble(1), window, base, headDim);
    if (scaling.path("truncate").asBoolean(true)) {
      low = Math.floor(low);
      high = Math.ceil(high);
    }
    low = Math.max(low, 0);
    high = Math.min(high, headDim - 1);
    if (i <= low) {
      return fast;
    }
    if (i >= high) {
      return slow;
    }
    double slowed = (i - low) / (high - low);
    return slowed * slow + (1 - slowed) * fast;
  }

  /** The i with {@code window = turns * 2 pi base^(2 i / headDim)}. */
  private static double pair(double turns, double window, double base, int headDim) {
    return headDim / 2.0 * Math.log(window / (2 * Math.PI * turns)) / Math.log(base);
  }

  private static double yarnAmplitude(JsonNode scaling, double stretch) {
    if (scaling.hasNonNull("attention_factor")) {
      return scaling.get("attention_factor").asDouble();
    }
    double mscale = scaling.path("mscale").asDouble(0);
    double mscaleAllDim = scaling.path("mscale_all_dim").asDouble(0);
    if (stretch <= 1) {
      return 1;
    }
    return mscale != 0 && mscaleAllDim != 0
        ? (0.1 * mscale * Math.log(stretch) + 1) / (0.1 * mscaleAllDim * Math.log(stretch) + 1)
        : 0.1 * Math.log(stretch) + 1;
  }
}
