package dev.lowpass.pipeline.decoder;

import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Weight;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.ModelConfig;
import java.util.ArrayList;
import java.util.List;

/**
 * A decoder's weights on its device.
 *
 * @param embedding {@code [vocabulary, hidden]}
 * @param layers in the order they run
 * @param norm the norm before the LM head, {@code [1, hidden]}
 * @param head the LM head, {@code [vocabulary, hidden]}; the embedding itself where the two are
 *     tied
 */
record DecoderWeights(Weight embedding, List<Layer> layers, Weight norm, Weight head) {

  /** A linear layer {@code [out, in]} and its bias {@code [1, out]}, null for none. */
  record Linear(Weight weight, Weight bias) {}

  /**
   * One layer.
   *
   * @param queryNorm Qwen3's norm of each query head {@code [1, headDim]}, null for none
   * @param keyNorm the same for keys
   */
  record Layer(
      Weight attentionNorm,
      Linear query,
      Linear key,
      Linear value,
      Linear output,
      Weight queryNorm,
      Weight keyNorm,
      Weight mlpNorm,
      Linear gate,
      Linear up,
      Linear down) {}

  static DecoderWeights load(Checkpoint checkpoint, Device device) {
    return new Loader(checkpoint, device).load();
  }

  private record Loader(Checkpoint checkpoint, Device device) {

    DecoderWeights load() {
      ModelConfig config = checkpoint.config();
      int hidden = config.hiddenSize();
      Weight embedding = matrix("model.embed_tokens.weight", config.vocabularySize(), hidden);
      List<Layer> layers = new ArrayList<>();
      for (int i = 0; i < config.layers(); i++) {
        layers.add(layer("model.layers." + i + ".", config));
      }
      Weight norm = matrix("model.norm.weight", 1, hidden);
      Weight head =
          config.tiedEmbeddings()
              ? embedding
              : matrix("lm_head.weight", config.vocabularySize(), hidden);
      return new DecoderWeights(embedding, List.copyOf(layers), norm, head);
    }

    private Layer layer(String prefix, ModelConfig config) {
      int hidden = config.hiddenSize();
      int queries = config.heads() * config.headDim();
      int keys = config.kvHeads() * config.headDim();
      String attention = prefix + "self_attn.";
      boolean qkvBias = config.queryKeyValueBias();
      String mlp = prefix + "mlp.";
      boolean mlpBias = config.mlpBias();
      return new Layer(
          matrix(prefix + "input_layernorm.weight", 1, hidden),
          linear(attention + "q_proj", queries, hidden, qkvBias),
          linear(attention + "k_proj", keys, hidden, qkvBias),
          linear(attention + "v_proj", keys, hidden, qkvBias),
          linear(attention + "o_proj", hidden, queries, config.attentionOutputBias()),
          config.queryKeyNorm() ? matrix(attention + "q_norm.weight", 1, config.headDim()) : null,
          config.queryKeyNorm() ? matrix(attention + "k_norm.weight", 1, config.headDim()) : null,
          matrix(prefix + "post_attention_layernorm.weight", 1, hidden),
          linear(mlp + "gate_proj", config.intermediateSize(), hidden, mlpBias),
          linear(mlp + "up_proj", config.intermediateSize(), hidden, mlpBias),
          linear(mlp + "down_proj", hidden, config.intermediateSize(), mlpBias));
    }

    private Linear linear(String name, int out, int in, boolean bias) {
      return new Linear(
          matrix(name + ".weight", out, in), bias ? matrix(name + ".bias", 1, out) : null);
    }

    private Weight matrix(String name, int rows, int columns) {
      var data = checkpoint.matrix(name, rows, columns);
      return device.weight(name, checkpoint.tensors().get(name).dtype(), rows, columns, data);
    }
  }
}
