package dev.lowpass.pipeline.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.kernels.CacheType;
import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Devices;
import dev.lowpass.kernels.Quantization;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.SafetensorsWriter;
import dev.lowpass.pipeline.model.TensorInfo;
import dev.lowpass.pipeline.model.TinyCheckpoints;
import dev.lowpass.pipeline.model.WeightOptions;
import dev.lowpass.pipeline.model.WeightType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A decoder with converted weights is the decoder of a checkpoint that stores their numbers:
 * exactly so, but for what rounds its rows to bytes.
 */
class WeightTypesTest {
  private static final int TOKENS = 40;

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"INT8, true", "INT8, false", "INT4, true", "INT4, false"})
  void blocksAreTheirNumbers(WeightType type, boolean tied) throws Exception {
    Path model = folder.resolve("model");
    Map<String, Object> config = Map.of("tie_word_embeddings", tied);
    TinyCheckpoints.write(model, "llama", config, DType.F32, 1);
    Path numbers = Files.createDirectory(folder.resolve("numbers"));
    Files.copy(model.resolve("config.json"), numbers.resolve("config.json"));
    SafetensorsWriter writer = new SafetensorsWriter();
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      for (TensorInfo tensor : checkpoint.tensors().values()) {
        writer.add(tensor.name(), DType.F32, tensor.shape(), numbers(type, tensor, checkpoint));
      }
    }
    writer.write(numbers.resolve("model.safetensors"));
    float[][] blocks = logits(model, type);
    float[][] dense = logits(numbers, WeightType.AUTO);
    float[][] exact = logits(model, WeightType.AUTO);
    assertThat(distance(blocks, dense)).isPositive().isLessThan(0.02);
    assertThat(distance(blocks, exact)).isGreaterThan(distance(blocks, dense));
  }

  /** Of all logits: the root of the squares' sum, as a part of that of the second ones. */
  private static double distance(float[][] actual, float[][] expected) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < expected.length; i++) {
      for (int j = 0; j < expected[i].length; j++) {
        difference += Math.pow(actual[i][j] - expected[i][j], 2);
        size += Math.pow(expected[i][j], 2);
      }
    }
    return Math.sqrt(difference / size);
  }

  @Test
  void bf16IsACheckpointOfThatType() {
    Path exact = folder.resolve("exact");
    Path rounded = folder.resolve("rounded");
    TinyCheckpoints.write(exact, "qwen3", Map.of(), DType.F32, 2);
    TinyCheckpoints.write(rounded, "qwen3", Map.of(), DType.BF16, 2);
    // Norms are vectors, and stay: theirs must be numbers that both types have.
    SafetensorsWriter writer = new SafetensorsWriter();
    try (Checkpoint from = Checkpoint.open(exact);
        Checkpoint vectors = Checkpoint.open(rounded)) {
      for (TensorInfo tensor : from.tensors().values()) {
        boolean vector = tensor.shape().length == 1;
        writer.add(
            tensor.name(),
            DType.F32,
            tensor.shape(),
            floats(vector ? DType.BF16 : DType.F32, (vector ? vectors : from).data(tensor.name())));
      }
    }
    writer.write(exact.resolve("model.safetensors"));
    assertThat(logits(exact, WeightType.BF16)).isDeepEqualTo(logits(rounded, WeightType.AUTO));
  }

  private static float[] numbers(WeightType type, TensorInfo tensor, Checkpoint checkpoint) {
    ByteBuffer stored = checkpoint.data(tensor.name());
    if (tensor.shape().length == 1) {
      return floats(DType.F32, stored);
    }
    int rows = (int) tensor.shape()[0];
    int columns = (int) tensor.shape()[1];
    boolean layer = tensor.name().startsWith("model.layers.");
    Quantization quantization =
        type == WeightType.INT4 && layer ? Quantization.INT4 : Quantization.INT8;
    ByteBuffer blocks = ByteBuffer.allocate((int) quantization.bytes(rows, columns));
    quantization.quantize(tensor.name(), DType.F32, rows, columns, stored, blocks);
    return floats(DType.F32, quantization.dense(DType.F32, rows, columns, blocks));
  }

  private static float[] floats(DType type, ByteBuffer data) {
    ByteBuffer in = data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    float[] floats = new float[in.remaining() / type.bytes()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = type == DType.F32 ? in.getFloat() : Float.intBitsToFloat(in.getShort() << 16);
    }
    return floats;
  }

  /** Of a prompt's rows, and of tokens one by one. */
  private static float[][] logits(Path model, WeightType type) {
    List<float[]> logits = new ArrayList<>();
    try (Checkpoint checkpoint = Checkpoint.open(model);
        Device device = Devices.open("cpu", 2);
        Decoder decoder =
            Decoder.load(
                checkpoint, new WeightOptions(type, null), device, TOKENS, 1, CacheType.AUTO);
        Sequence sequence =
            new Sequence(decoder, SequenceOptions.unscored(CacheOptions.FULL.policy(), TOKENS))) {
      Random random = new Random(3);
      int vocabulary = checkpoint.config().vocabularySize();
      for (int rows : new int[] {17, 1, 2, 1, 5}) {
        int[] tokens = random.ints(rows, 0, vocabulary).toArray();
        Alone.forward(decoder, sequence, tokens, rows - 1);
        logits.add(decoder.logits(0));
      }
    }
    return logits.toArray(float[][]::new);
  }
}
