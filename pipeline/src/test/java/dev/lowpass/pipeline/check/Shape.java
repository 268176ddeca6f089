package dev.lowpass.pipeline.check;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model whose speed is measured, and on what.
 *
 * @param prompts tokens of the prompts, the longest last
 * @param newTokens written after each
 * @param batch documents that are read and written at once, of the shortest prompt's length
 * @param entries of their bounded caches
 */
record Shape(
    String name,
    int hidden,
    int intermediate,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    int vocabulary,
    boolean tied,
    List<Integer> prompts,
    int newTokens,
    int batch,
    int entries) {
  /** For emulators. */
  static final Shape TINY =
      new Shape("tiny", 64, 96, 2, 4, 2, 32, 6000, true, List.of(40, 100), 4, 3, 32);

  static final Shape LLAMA_1B =
      new Shape(
          "Llama-3.2-1B",
          2048,
          8192,
          16,
          32,
          8,
          64,
          128_256,
          true,
          List.of(2048, 8192, 32_768),
          128,
          32,
          2048);

  static final Shape LLAMA_8B =
      new Shape(
          "Llama-3.1-8B",
          4096,
          14_336,
          32,
          32,
          8,
          128,
          128_256,
          false,
          List.of(8192, 32_768, 131_072),
          128,
          32,
          2048);

  /** Its {@code config.json}. */
  Map<String, Object> config() {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("model_type", "llama");
    config.put("hidden_size", hidden);
    config.put("intermediate_size", intermediate);
    config.put("num_hidden_layers", layers);
    config.put("num_attention_heads", heads);
    config.put("num_key_value_heads", kvHeads);
    config.put("head_dim", headDim);
    config.put("vocab_size", vocabulary);
    // Room for what is written behind the longest prompt.
    config.put("max_position_embeddings", prompts.get(prompts.size() - 1) + newTokens + 1);
    config.put("rms_norm_eps", 1e-5);
    config.put("rope_theta", 500_000.0);
    config.put("hidden_act", "silu");
    config.put("tie_word_embeddings", tied);
    config.put("bos_token_id", 1);
    config.put("eos_token_id", 2);
    return config;
  }
}
