package dev.lowpass.pipeline.model;

import java.util.LinkedHashMap;
import java.util.Map;

/** The names of a decoder's tensors in a Hugging Face checkpoint, and the shapes they must have. */
public final class WeightNames {
  /** {@code [vocabulary, hidden]}. */
  public static final String EMBEDDING = "model.embed_tokens.weight";

  /** {@code [hidden]}. */
  public static final String FINAL_NORM = "model.norm.weight";

  private static final String OUTPUT = "lm_head.weight";

  /**
   * One layer's tensors. Norms are {@code [hidden]}, {@code queryNorm} and {@code keyNorm} {@code
   * [headDim]}, the others {@code [out, in]}.
   */
  public record Layer(
      String attentionNorm,
      String query,
      String key,
      String value,
      String attentionOutput,
      String queryNorm,
      String keyNorm,
      String mlpNorm,
      String gate,
      String up,
      String down) {}

  private WeightNames() {}

  /** The names of a layer's tensors. */
  public static Layer layer(int index) {
    String layer = layerPrefix(index);
    String attention = layer + "self_attn.";
    String mlp = layer + "mlp.";
    return new Layer(
        layer + "input_layernorm.weight",
        attention + "q_proj.weight",
        attention + "k_proj.weight",
        attention + "v_proj.weight",
        attention + "o_proj.weight",
        attention + "q_norm.weight",
        attention + "k_norm.weight",
        layer + "post_attention_layernorm.weight",
        mlp + "gate_proj.weight",
        mlp + "up_proj.weight",
        mlp + "down_proj.weight");
  }

  /** The name of a linear layer's bias, given its weight's. */
  public static String bias(String weight) {
    return weight.substring(0, weight.length() - "weight".length()) + "bias";
  }

  /** The output projection, {@code [vocabulary, hidden]}: the embedding where they are tied. */
  public static String output(ModelConfig config) {
    return config.tiedEmbeddings() ? EMBEDDING : OUTPUT;
  }

  static String layerPrefix(int index) {
    return "model.layers." + index + ".";
  }

  /**
   * Every tensor that a configuration asks for, with its shape, in the order of the forward pass.
   */
  static Map<String, long[]> expected(ModelConfig config) {
    int hidden = config.hiddenSize();
    int queries = config.heads() * config.headDim();
    int keys = config.kvHeads() * config.headDim();
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put(EMBEDDING, new long[] {config.vocabularySize(), hidden});
    for (int i = 0; i < config.layers(); i++) {
      Layer layer = layer(i);
      shapes.put(layer.attentionNorm(), new long[] {hidden});
      linear(shapes, layer.query(), queries, hidden, config.queryKeyValueBias());
      linear(shapes, layer.key(), keys, hidden, config.queryKeyValueBias());
      linear(shapes, layer.value(), keys, hidden, config.queryKeyValueBias());
      if (config.queryKeyNorm()) {
        shapes.put(layer.queryNorm(), new long[] {config.headDim()});
        shapes.put(layer.keyNorm(), new long[] {config.headDim()});
      }
      linear(shapes, layer.attentionOutput(), hidden, queries, config.attentionOutputBias());
      shapes.put(layer.mlpNorm(), new long[] {hidden});
      linear(shapes, layer.gate(), config.intermediateSize(), hidden, config.mlpBias());
      linear(shapes, layer.up(), config.intermediateSize(), hidden, config.mlpBias());
      linear(shapes, layer.down(), hidden, config.intermediateSize(), config.mlpBias());
    }
    shapes.put(FINAL_NORM, new long[] {hidden});
    shapes.put(output(config), new long[] {config.vocabularySize(), hidden});
    return shapes;
  }

  private static void linear(
      Map<String, long[]> shapes, String weight, int out, int in, boolean biased) {
    shapes.put(weight, new long[] {out, in});
    if (biased) {
      shapes.put(bias(weight), new long[] {out});
    }
  }
}
