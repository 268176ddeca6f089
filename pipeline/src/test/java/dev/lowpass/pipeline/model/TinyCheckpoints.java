package dev.lowpass.pipeline.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.kernels.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Complete tiny models with random weights, for tests: hidden 48, 6 heads, 2 key/value heads,
 * head_dim 8 (16 for qwen3), 3 layers, 96 tokens of vocabulary, 256 positions.
 */
public final class TinyCheckpoints {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Map<String, Object> config;
  private final DType type;
  private final Random random;
  private final Map<String, long[]> shapes = new LinkedHashMap<>();

  private TinyCheckpoints(Map<String, Object> config, DType type, long seed) {
    this.config = config;
    this.type = type;
    this.random = new Random(seed);
  }

  /**
   * Writes {@code config.json} and {@code model.safetensors}.
   *
   * @param overrides keys of config.json to set, or to remove where the value is null; weights
   *     follow sizes, {@code attention_bias}, {@code mlp_bias} and {@code tie_word_embeddings}
   */
  public static void write(
      Path folder, String modelType, Map<String, ?> overrides, DType type, long seed) {
    write(folder, modelType, overrides, type, seed, 1);
  }

  /** As the other, over several shards with an index where {@code shards} is above 1. */
  public static void write(
      Path folder, String modelType, Map<String, ?> overrides, DType type, long seed, int shards) {
    Map<String, Object> config = defaults(modelType);
    overrides.forEach(config::put);
    config.values().removeIf(value -> value == null);
    TinyCheckpoints tiny = new TinyCheckpoints(config, type, seed);
    tiny.describe(modelType);
    try {
      Files.createDirectories(folder);
      Files.writeString(folder.resolve("config.json"), JSON.writeValueAsString(config));
      tiny.writeWeights(folder, shards);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, Object> defaults(String modelType) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("model_type", modelType);
    config.put("hidden_size", 48);
    config.put("intermediate_size", 80);
    config.put("num_hidden_layers", 3);
    config.put("num_attention_heads", 6);
    config.put("num_key_value_heads", 2);
    if (modelType.equals("qwen3")) {
      config.put("head_dim", 16);
    }
    if (modelType.equals("mistral")) {
      config.put("sliding_window", 6);
    }
    config.put("vocab_size", 96);
    config.put("max_position_embeddings", 256);
    config.put("rms_norm_eps", 1e-5);
    config.put("rope_theta", 10000.0);
    config.put("hidden_act", "silu");
    config.put("bos_token_id", 1);
    config.put("eos_token_id", 2);
    return config;
  }

  private void describe(String modelType) {
    int hidden = number("hidden_size");
    int heads = number("num_attention_heads");
    int headDim = config.containsKey("head_dim") ? number("head_dim") : hidden / heads;
    int queries = heads * headDim;
    int keys = number("num_key_value_heads") * headDim;
    int inner = number("intermediate_size");
    boolean attentionBias = flag("attention_bias");
    boolean inputBias = attentionBias || modelType.equals("qwen2");
    shapes.put("model.embed_tokens.weight", new long[] {number("vocab_size"), hidden});
    for (int i = 0; i < number("num_hidden_layers"); i++) {
      String layer = "model.layers." + i + ".";
      shapes.put(layer + "input_layernorm.weight", new long[] {hidden});
      linear(layer + "self_attn.q_proj", queries, hidden, inputBias);
      linear(layer + "self_attn.k_proj", keys, hidden, inputBias);
      linear(layer + "self_attn.v_proj", keys, hidden, inputBias);
      linear(layer + "self_attn.o_proj", hidden, queries, attentionBias);
      if (modelType.equals("qwen3")) {
        shapes.put(layer + "self_attn.q_norm.weight", new long[] {headDim});
        shapes.put(layer + "self_attn.k_norm.weight", new long[] {headDim});
      }
      shapes.put(layer + "post_attention_layernorm.weight", new long[] {hidden});
      linear(layer + "mlp.gate_proj", inner, hidden, flag("mlp_bias"));
      linear(layer + "mlp.up_proj", inner, hidden, flag("mlp_bias"));
      linear(layer + "mlp.down_proj", hidden, inner, flag("mlp_bias"));
    }
    shapes.put("model.norm.weight", new long[] {hidden});
    if (!flag("tie_word_embeddings")) {
      shapes.put("lm_head.weight", new long[] {number("vocab_size"), hidden});
    }
  }

  private void linear(String name, int out, int in, boolean biased) {
    shapes.put(name + ".weight", new long[] {out, in});
    if (biased) {
      shapes.put(name + ".bias", new long[] {out});
    }
  }

  private void writeWeights(Path folder, int shards) throws IOException {
    List<String> names = new ArrayList<>(shapes.keySet());
    Map<String, String> weightMap = new LinkedHashMap<>();
    int written = 0;
    for (int shard = 1; shard <= shards; shard++) {
      String file =
          shards == 1
              ? "model.safetensors"
              : String.format("model-%05d-of-%05d.safetensors", shard, shards);
      SafetensorsWriter writer = new SafetensorsWriter();
      for (; written < (long) names.size() * shard / shards; written++) {
        String name = names.get(written);
        writer.add(name, type, shapes.get(name), values(name, shapes.get(name)));
        weightMap.put(name, file);
      }
      writer.write(folder.resolve(file));
    }
    if (shards > 1) {
      Files.writeString(
          folder.resolve("model.safetensors.index.json"),
          JSON.writeValueAsString(Map.of("weight_map", weightMap)));
    }
  }

  /** Gains around 1, biases around 0, rows of about unit length: activations keep their size. */
  private float[] values(String name, long[] shape) {
    int count = (int) (shape.length == 1 ? shape[0] : shape[0] * shape[1]);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      double gaussian = random.nextGaussian();
      if (name.endsWith("norm.weight")) {
        values[i] = (float) (1 + 0.2 * gaussian);
      } else if (name.endsWith("bias")) {
        values[i] = (float) (0.3 * gaussian);
      } else if (name.equals("model.embed_tokens.weight")) {
        values[i] = (float) gaussian;
      } else {
        values[i] = (float) (gaussian / Math.sqrt((double) shape[1]));
      }
    }
    return values;
  }

  private int number(String key) {
    return (Integer) config.get(key);
  }

  private boolean flag(String key) {
    return Boolean.TRUE.equals(config.get(key));
  }
}
