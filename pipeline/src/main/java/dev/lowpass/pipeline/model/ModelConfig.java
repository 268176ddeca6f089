package dev.lowpass.pipeline.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What {@code config.json} says of a decoder: token embedding, {@code layers} times (RMSNorm,
 * attention with grouped heads and rotary positions, RMSNorm, SwiGLU), RMSNorm, output projection.
 *
 * @param modelType llama, mistral, qwen2 or qwen3
 * @param hiddenSize channels of the residual stream
 * @param intermediateSize channels inside the MLP
 * @param layers number of layers
 * @param heads query heads a layer
 * @param kvHeads key/value heads a layer, a divisor of {@code heads}
 * @param headDim channels a head; {@code heads * headDim} need not be {@code hiddenSize}
 * @param vocabularySize rows of the embedding; ids beyond the tokenizer's are padding
 * @param maxPositions tokens that the model can take in, prompt and completion together
 * @param rmsNormEpsilon added to the mean square
 * @param rope rotary positions, scaling applied
 * @param tiedEmbeddings whether the output projection is the embedding
 * @param queryKeyValueBias whether the query, key and value projections have biases
 * @param attentionOutputBias whether attention's output projection has a bias
 * @param mlpBias whether the MLP's projections have biases
 * @param queryKeyNorm whether each head's query and key are normed before rotation
 * @param slidingWindow tokens that a token sees, itself included; {@code Integer.MAX_VALUE} for all
 * @param maxWindowLayers index of the first layer that uses the window: layers below it see all
 * @param tuning how the model was tuned to be read, {@code "lowpass": {"cache": "hybrid",
 *     "cache_tokens": 1024, ...}}: defaults of the options of the same names; empty for a model as
 *     its publisher trained it
 */
public record ModelConfig(
    String modelType,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    int kvHeads,
    int headDim,
    int vocabularySize,
    int maxPositions,
    float rmsNormEpsilon,
    RopeParameters rope,
    boolean tiedEmbeddings,
    boolean queryKeyValueBias,
    boolean attentionOutputBias,
    boolean mlpBias,
    boolean queryKeyNorm,
    int slidingWindow,
    int maxWindowLayers,
    Settings tuning) {

  private static final List<String> FAMILIES = List.of("llama", "mistral", "qwen2", "qwen3");

  /** Bounds far above any model's, so that a damaged file cannot ask for absurd amounts. */
  private static final int MAX_SIZE = 1 << 24;

  private static final int MAX_LAYERS = 10_000;
  private static final int MAX_HEADS = 1 << 14;
  private static final int MAX_HEAD_DIM = 1 << 14;

  private static final int QWEN3_HEAD_DIM = 128;
  private static final double DEFAULT_EPSILON = 1e-6;

  /** Where a model says how it was tuned to be read, and what it may say there. */
  private static final String TUNING = "lowpass";

  private static final List<String> TUNING_KEYS =
      List.of(
          "cache",
          "cache_tokens",
          "cache_type",
          "sinks",
          "retained_ratio",
          "recent",
          "exact_share",
          "observation_window",
          "pooling",
          "pooling_kernel",
          "positions",
          "probe",
          "prefill",
          "tsp_layer",
          "tsp_rate",
          "tsp_length",
          "retention_rate",
          "retention_tokens");

  /** Settings whose presence means another computation, whatever {@code model_type} says. */
  private static final List<String> FOREIGN =
      List.of(
          "num_experts",
          "num_local_experts",
          "n_routed_experts",
          "moe_intermediate_size",
          "kv_lora_rank",
          "vision_config",
          "no_rope_layers",
          "attn_logit_softcapping",
          "final_logit_softcapping");

  /**
   * Reads a {@code config.json}, with Hugging Face's defaults for what it leaves out.
   *
   * @throws ModelException if a key is missing, of another type than it should be, or asks for what
   *     is not supported
   */
  static ModelConfig parse(Path configJson) {
    JsonObject json = JsonObject.read(configJson);
    String family = json.text("model_type");
    if (!FAMILIES.contains(family)) {
      throw json.wrong("model_type", "one of " + String.join(", ", FAMILIES));
    }
    refuseForeign(json);
    boolean llama = family.equals("llama");
    boolean qwen2 = family.equals("qwen2");
    boolean qwen3 = family.equals("qwen3");

    int hiddenSize = json.size("hidden_size", MAX_SIZE);
    int layers = json.size("num_hidden_layers", MAX_LAYERS);
    int heads = json.size("num_attention_heads", MAX_HEADS);
    int kvHeads = json.size("num_key_value_heads", MAX_HEADS, heads);
    if (heads % kvHeads != 0) {
      throw json.wrong("num_key_value_heads", "a divisor of num_attention_heads (" + heads + ")");
    }
    int headDim = headDim(json, hiddenSize, heads, qwen3);
    int positions = json.size("max_position_embeddings", Integer.MAX_VALUE);
    RopeParameters rope = RopeParameters.parse(json, headDim, positions);
    LayerWindows windows = LayerWindows.parse(json, family, layers);
    boolean attentionBias = (llama || qwen3) && json.flag("attention_bias", false);
    return new ModelConfig(
        family,
        hiddenSize,
        json.size("intermediate_size", MAX_SIZE),
        layers,
        heads,
        kvHeads,
        headDim,
        json.size("vocab_size", MAX_SIZE),
        // Qwen's YaRN instructions leave max_position_embeddings at the unscaled length.
        Math.max(positions, rope.scaledPositions()),
        (float) json.positive("rms_norm_eps", DEFAULT_EPSILON),
        rope,
        json.flag("tie_word_embeddings", false),
        qwen2 || attentionBias,
        attentionBias,
        llama && json.flag("mlp_bias", false),
        qwen3,
        windows.window(),
        windows.firstLayer(),
        tuning(json));
  }

  /** Whether the model was tuned with a bounded cache. */
  public boolean tuned() {
    return !tuning.values().isEmpty();
  }

  private static Settings tuning(JsonObject json) {
    Map<String, String> values = new HashMap<>();
    json.object(TUNING)
        .ifPresent(
            object ->
                object
                    .keys()
                    .forEachRemaining(
                        key -> {
                          if (!TUNING_KEYS.contains(key)) {
                            throw object.problem(
                                key, "is not known; use " + String.join(", ", TUNING_KEYS));
                          }
                          JsonNode value = object.get(key);
                          if (value == null || value.isContainerNode()) {
                            throw object.wrong(key, "a string or a number");
                          }
                          values.put(key.replace('_', '-'), value.asText());
                        }));
    return new Settings(values);
  }

  /** Tokens that a token sees at a layer, itself included; {@code Integer.MAX_VALUE} for all. */
  public int window(int layer) {
    return layer >= maxWindowLayers ? slidingWindow : Integer.MAX_VALUE;
  }

  private static int headDim(JsonObject json, int hiddenSize, int heads, boolean qwen3) {
    int headDim;
    if (json.has("head_dim")) {
      headDim = json.size("head_dim", MAX_HEAD_DIM);
    } else if (qwen3) {
      headDim = QWEN3_HEAD_DIM;
    } else if (hiddenSize % heads == 0) {
      headDim = hiddenSize / heads;
    } else {
      throw json.wrong(
          "num_attention_heads",
          "a divisor of hidden_size (" + hiddenSize + ") where head_dim is not stated");
    }
    if (headDim % 2 != 0) {
      throw json.problem(
          "head_dim", "is " + headDim + ", but rotary positions need an even number of channels");
    }
    if (headDim > MAX_HEAD_DIM) {
      throw json.problem("head_dim", "is " + headDim + ", more than the supported " + MAX_HEAD_DIM);
    }
    return headDim;
  }

  private static void refuseForeign(JsonObject json) {
    if (json.has("quantization_config")) {
      String method =
          json.object("quantization_config").orElseThrow().text("quant_method", "unknown");
      throw json.problem(
          "quantization_config",
          "says that the weights are quantised ("
              + method
              + "), which is not supported; use the F32, F16 or BF16 checkpoint");
    }
    for (String key : FOREIGN) {
      if (json.has(key)) {
        throw json.problem(
            key, "belongs to an architecture that is not supported; use a dense text-only model");
      }
    }
    String activation = json.text("hidden_act", "silu");
    if (!activation.equals("silu")) {
      throw json.wrong("hidden_act", "\"silu\"");
    }
    JsonNode architectures = json.get("architectures");
    if (architectures != null && !architectures.isEmpty()) {
      boolean decoder = false;
      for (JsonNode architecture : architectures) {
        decoder |= architecture.asText().endsWith("ForCausalLM");
      }
      if (!decoder) {
        throw json.wrong("architectures", "a ...ForCausalLM: the model must generate text");
      }
    }
  }
}
