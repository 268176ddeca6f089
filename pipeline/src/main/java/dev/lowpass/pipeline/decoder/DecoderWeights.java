package dev.lowpass.pipeline.decoder;

import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Weight;
import dev.lowpass.pipeline.model.ModelConfig;
import dev.lowpass.pipeline.model.PackedWeights;
import dev.lowpass.pipeline.model.WeightNames;
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

  static DecoderWeights load(ModelConfig config, PackedWeights weights, Device device) {
    return new Loader(config, weights, device).load();
  }

  private record Loader(ModelConfig config, PackedWeights weights, Device device) {

    DecoderWeights load() {
      Weight embedding =
          matrix(WeightNames.EMBEDDING, config.vocabularySize(), config.hiddenSize());
      List<Layer> layers = new ArrayList<>();
      for (int i = 0; i < config.layers(); i++) {
        layers.add(layer(WeightNames.layer(i)));
      }
      Weight norm = matrix(WeightNames.FINAL_NORM, 1, config.hiddenSize());
      Weight head =
          config.tiedEmbeddings()
              ? embedding
              : matrix(WeightNames.output(config), config.vocabularySize(), config.hiddenSize());
      return new DecoderWeights(embedding, List.copyOf(layers), norm, head);
    }

    private Layer layer(WeightNames.Layer names) {
      int hidden = config.hiddenSize();
      int queries = config.heads() * config.headDim();
      int keys = config.kvHeads() * config.headDim();
      int intermediate = config.intermediateSize();
      boolean qkvBias = config.queryKeyValueBias();
      boolean mlpBias = config.mlpBias();
      boolean headNorms = config.queryKeyNorm();
      return new Layer(
          matrix(names.attentionNorm(), 1, hidden),
          linear(names.query(), queries, hidden, qkvBias),
          linear(names.key(), keys, hidden, qkvBias),
          linear(names.value(), keys, hidden, qkvBias),
          linear(names.attentionOutput(), hidden, queries, config.attentionOutputBias()),
          headNorms ? matrix(names.queryNorm(), 1, config.headDim()) : null,
          headNorms ? matrix(names.keyNorm(), 1, config.headDim()) : null,
          matrix(names.mlpNorm(), 1, hidden),
          linear(names.gate(), intermediate, hidden, mlpBias),
          linear(names.up(), intermediate, hidden, mlpBias),
          linear(names.down(), hidden, intermediate, mlpBias));
    }

    private Linear linear(String name, int out, int in, boolean bias) {
      return new Linear(
          matrix(name, out, in), bias ? matrix(WeightNames.bias(name), 1, out) : null);
    }

    private Weight matrix(String name, int rows, int columns) {
      return weights.load(device, name, rows, columns);
    }
  }
}
