package dev.lowpass.jobs;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.ModelConfig;
import dev.lowpass.pipeline.model.PackedWeights;
import dev.lowpass.pipeline.model.TensorInfo;
import dev.lowpass.pipeline.model.WeightType;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.TreeMap;

/**
 * What there is to know of a checkpoint without running it.
 *
 * @param weightBytes of all tensors, as they lie on disk
 * @param weights what they are turned into
 * @param loadedBytes of all tensors then
 * @param ropeScaling as config.json has it, {@code none} without
 * @param tensorsByType how many tensors there are of each type
 */
record CheckpointFacts(
    String name,
    String digest,
    ModelConfig config,
    long parameters,
    long weightBytes,
    WeightType weights,
    long loadedBytes,
    String ropeScaling,
    Map<String, Long> tensorsByType,
    boolean chatTemplate) {

  static CheckpointFacts of(Checkpoint checkpoint, WeightType weights) {
    ModelConfig config = checkpoint.config();
    Map<String, Long> types = new TreeMap<>();
    long bytes = 0;
    for (TensorInfo tensor : checkpoint.tensors().values()) {
      types.merge(tensor.storedAs(), 1L, Long::sum);
      bytes += tensor.bytes();
    }
    try (TextTokenizer tokenizer = TextTokenizer.load(checkpoint.folder())) {
      return new CheckpointFacts(
          checkpoint.name(),
          checkpoint.digest(),
          config,
          checkpoint.parameters(),
          bytes,
          weights,
          PackedWeights.bytes(checkpoint, weights),
          ropeScaling(checkpoint),
          types,
          tokenizer.hasChatTemplate());
    }
  }

  private static String ropeScaling(Checkpoint checkpoint) {
    try {
      JsonNode config =
          new ObjectMapper().readTree(checkpoint.folder().resolve("config.json").toFile());
      JsonNode scaling =
          config.hasNonNull("rope_scaling")
              ? config.get("rope_scaling")
              : config.path("rope_parameters");
      return scaling.isObject() ? scaling.toString() : "none";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
