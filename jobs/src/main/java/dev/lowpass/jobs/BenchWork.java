package dev.lowpass.jobs;

import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.ModelConfig;
import dev.lowpass.pipeline.model.PackedWeights;
import dev.lowpass.pipeline.model.WeightNames;
import dev.lowpass.pipeline.model.WeightType;
import dev.lowpass.udfs.settings.PolicyName;

/**
 * What a model has a processor do at the least: what shares of its limits are told by.
 *
 * @param config of the model
 * @param weightBytes that a decode step reads
 */
record BenchWork(ModelConfig config, long weightBytes) {

  static BenchWork of(Checkpoint checkpoint, WeightType type) {
    long bytes = PackedWeights.bytes(checkpoint, type);
    if (!checkpoint.config().tiedEmbeddings()) {
      // A row of it is read, not all.
      bytes -= PackedWeights.bytes(checkpoint, type, WeightNames.EMBEDDING);
    }
    return new BenchWork(checkpoint.config(), bytes);
  }

  /**
   * Float32 operations of reading a prompt: linear layers, the LM head once, and attention where
   * every token attends to all before it. Not a number where only a choice of the tokens goes
   * through all layers.
   */
  double prefillFlops(PolicyName policy, int tokens) {
    if (policy.selects()) {
      return Double.NaN;
    }
    double hidden = config.hiddenSize();
    double heads = (double) config.heads() * config.headDim();
    double kvHeads = (double) config.kvHeads() * config.headDim();
    double layer = 2 * hidden * (heads + kvHeads) + 3 * hidden * config.intermediateSize();
    double flops = 2 * (layer * config.layers() * tokens + hidden * config.vocabularySize());
    if (!policy.bounded()) {
      double pairs = (double) tokens * (tokens + 1) / 2;
      flops += 4 * pairs * heads * config.layers();
    }
    return flops;
  }

  /**
   * Bytes that a decode step of a run reads: the weights, and the keys and values that its caches
   * hold. Not a number where layers hold different numbers of them.
   */
  double decodeBytes(PolicyName policy, BenchRun run) {
    return policy.selects()
        ? Double.NaN
        : weightBytes + run.heldEntries() * run.cache().bytesPerToken(config);
  }
}
