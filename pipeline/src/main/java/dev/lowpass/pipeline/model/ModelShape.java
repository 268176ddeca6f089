package dev.lowpass.pipeline.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The sizes of a Llama: all that its speed depends on.
 *
 * @param name for people and options
 * @param hidden channels of the residual stream
 * @param intermediate channels inside the MLP
 * @param headDim channels a head
 * @param tied whether the output projection is the embedding
 */
public record ModelShape(
    String name,
    int hidden,
    int intermediate,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    int vocabulary,
    boolean tied) {
  public static final ModelShape SMOLLM2_135M =
      new ModelShape("smollm2-135m", 576, 1536, 30, 9, 3, 64, 49_152, true);
  public static final ModelShape LLAMA_3_2_1B =
      new ModelShape("llama-3.2-1b", 2048, 8192, 16, 32, 8, 64, 128_256, true);
  public static final ModelShape LLAMA_3_1_8B =
      new ModelShape("llama-3.1-8b", 4096, 14_336, 32, 32, 8, 128, 128_256, false);

  /** The shapes that have names. */
  public static final List<ModelShape> NAMED = List.of(SMOLLM2_135M, LLAMA_3_2_1B, LLAMA_3_1_8B);

  /** The shape of that name. */
  public static Optional<ModelShape> named(String name) {
    return NAMED.stream().filter(shape -> shape.name.equals(name)).findFirst();
  }

  /** Weights, tied ones counted once. */
  public long parameters() {
    long attention = 2L * hidden * headDim * (heads + kvHeads);
    long layer = attention + 3L * hidden * intermediate + 2L * hidden;
    return layers * layer + hidden + (tied ? 1L : 2L) * vocabulary * hidden;
  }

  /**
   * Its {@code config.json}.
   *
   * @param window tokens that it is to take in
   */
  Map<String, Object> config(int window) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("model_type", "llama");
    config.put("hidden_size", hidden);
    config.put("intermediate_size", intermediate);
    config.put("num_hidden_layers", layers);
    config.put("num_attention_heads", heads);
    config.put("num_key_value_heads", kvHeads);
    config.put("head_dim", headDim);
    config.put("vocab_size", vocabulary);
    config.put("max_position_embeddings", window);
    config.put("rms_norm_eps", 1e-5);
    config.put("rope_theta", 500_000.0);
    config.put("hidden_act", "silu");
    config.put("tie_word_embeddings", tied);
    config.put("bos_token_id", 1);
    config.put("eos_token_id", 2);
    return config;
  }
}
