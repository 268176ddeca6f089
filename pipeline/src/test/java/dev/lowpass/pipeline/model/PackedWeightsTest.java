package dev.lowpass.pipeline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Devices;
import dev.lowpass.kernels.Quantization;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class PackedWeightsTest {
  private static final String QUERY = WeightNames.layer(0).query();
  private static final String DOWN = WeightNames.layer(1).down();
  private static final FileTime LONG_AGO = FileTime.fromMillis(1_000_000_000_000L);

  @TempDir Path folder;
  private Path model;
  private Path cache;

  @BeforeEach
  void write() {
    model = folder.resolve("model");
    cache = folder.resolve("cache");
    TinyCheckpoints.write(model, "llama", Map.of(), DType.F32, 1);
  }

  @ParameterizedTest
  @EnumSource(
      value = WeightType.class,
      names = {"BF16", "INT8", "INT4"})
  void matricesAreConvertedAndVectorsAreNot(WeightType type) {
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      for (Path where : new Path[] {null, cache}) {
        PackedWeights packed = PackedWeights.of(checkpoint, new WeightOptions(type, where));
        for (String name : new String[] {WeightNames.EMBEDDING, "lm_head.weight", QUERY, DOWN}) {
          TensorInfo tensor = checkpoint.tensors().get(name);
          int rows = (int) tensor.shape()[0];
          int columns = (int) tensor.shape()[1];
          ByteBuffer stored = checkpoint.data(name);
          assertThat(elements(packed, name, rows, columns))
              .as("%s", name)
              .isEqualTo(expected(type, name, rows, columns, stored));
        }
        assertThat(elements(packed, WeightNames.FINAL_NORM, 1, 48))
            .isEqualTo(floats(checkpoint.data(WeightNames.FINAL_NORM)));
        assertThat(packed.bytes()).isEqualTo(PackedWeights.bytes(checkpoint, type));
      }
    }
  }

  /** As the blocks' own tests have it; the LM head and the embedding are never in four bits. */
  private static float[] expected(
      WeightType type, String name, int rows, int columns, ByteBuffer stored) {
    if (type == WeightType.BF16) {
      float[] rounded = floats(stored);
      for (int i = 0; i < rounded.length; i++) {
        int bits = Float.floatToRawIntBits(rounded[i]);
        rounded[i] = Float.intBitsToFloat(bits + 0x7fff + (bits >>> 16 & 1) & 0xffff0000);
      }
      return rounded;
    }
    boolean vocabulary = name.equals(WeightNames.EMBEDDING) || name.equals("lm_head.weight");
    Quantization quantization =
        type == WeightType.INT4 && !vocabulary ? Quantization.INT4 : Quantization.INT8;
    ByteBuffer blocks = ByteBuffer.allocate((int) quantization.bytes(rows, columns));
    quantization.quantize(name, DType.F32, rows, columns, stored, blocks);
    return floats(quantization.dense(DType.F32, rows, columns, blocks));
  }

  @Test
  void aCheckpointOfBf16IsItsOwnPackedForm() throws IOException {
    TinyCheckpoints.write(model, "llama", Map.of(), DType.BF16, 1);
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      PackedWeights.of(checkpoint, new WeightOptions(WeightType.BF16, cache));
    }
    assertThat(cache).doesNotExist();
  }

  @Test
  void unitsBeginAtCacheLines() throws IOException {
    for (TensorInfo tensor : SafetensorsFile.open(pack()).tensors()) {
      assertThat(tensor.offset() % 64).as(tensor.name()).isZero();
    }
  }

  @Test
  void theNextStartMapsTheFile() throws IOException {
    Path file = pack();
    Files.setLastModifiedTime(file, LONG_AGO);
    assertThat(pack()).isEqualTo(file);
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(LONG_AGO);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a bit", "its end", "its header", "everything", "its name"})
  void aDamagedFileIsWrittenAnew(String damage) throws IOException {
    Path file = pack();
    byte[] right = Files.readAllBytes(file);
    byte[] wrong = right.clone();
    switch (damage) {
      case "a bit" -> wrong[wrong.length / 2] ^= 4;
      case "its end" -> wrong = Arrays.copyOf(right, right.length - 100);
      case "its header" -> wrong[20] ^= 1;
      case "everything" -> wrong = new byte[0];
      default -> {
        // Another model's file under this one's name.
        TinyCheckpoints.write(model, "llama", Map.of("hidden_size", 96), DType.F32, 1);
        Path other = pack();
        wrong = Files.readAllBytes(other);
        Files.delete(other);
        TinyCheckpoints.write(model, "llama", Map.of(), DType.F32, 1);
      }
    }
    Files.write(file, wrong);
    assertThat(pack()).isEqualTo(file);
    assertThat(Files.readAllBytes(file)).isEqualTo(right);
  }

  @Test
  void changedWeightsAndOtherTypesAreOtherFiles() throws IOException {
    pack();
    TinyCheckpoints.write(model, "llama", Map.of(), DType.F32, 2);
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      PackedWeights.of(checkpoint, new WeightOptions(WeightType.INT8, cache));
      PackedWeights.of(checkpoint, new WeightOptions(WeightType.INT4, cache));
    }
    assertThat(files()).hasSize(3);
  }

  @Test
  void processesThatStartAtOnceDoNotDisturbEachOther() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      Callable<float[]> start =
          () -> {
            try (Checkpoint checkpoint = Checkpoint.open(model)) {
              PackedWeights packed =
                  PackedWeights.of(checkpoint, new WeightOptions(WeightType.INT8, cache));
              return elements(packed, DOWN, 48, 80);
            }
          };
      List<float[]> results = new ArrayList<>();
      for (Future<float[]> result :
          pool.invokeAll(IntStream.range(0, 8).mapToObj(i -> start).toList())) {
        results.add(result.get());
      }
      assertThat(results).allSatisfy(result -> assertThat(result).isEqualTo(results.get(0)));
    } finally {
      pool.shutdown();
    }
    assertThat(files()).hasSize(1);
  }

  @Test
  void saysWhereItCannotWrite() throws IOException {
    Files.writeString(cache, "a file");
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      assertThatThrownBy(
              () -> PackedWeights.of(checkpoint, new WeightOptions(WeightType.INT8, cache)))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining(cache.toString())
          .hasMessageEndingWith("make room, or give another --model-cache");
    }
  }

  @Test
  void saysWhichTensorCannotBeQuantised() {
    SafetensorsWriter writer = new SafetensorsWriter();
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      for (TensorInfo tensor : checkpoint.tensors().values()) {
        float[] values = floats(checkpoint.data(tensor.name()));
        if (tensor.name().equals(DOWN)) {
          values[80 * 5] = Float.NaN;
        }
        writer.add(tensor.name(), DType.F32, tensor.shape(), values);
      }
    }
    Path file = model.resolve("model.safetensors");
    writer.write(file);
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      assertThatThrownBy(
              () -> PackedWeights.of(checkpoint, new WeightOptions(WeightType.INT4, cache)))
          .isInstanceOf(ModelException.class)
          .hasMessageStartingWith(file + ": " + DOWN + ": row 5 has an element that is not finite");
    }
    assertThat(cache).isEmptyDirectory();
  }

  @Test
  void typesHaveNames() {
    assertThat(WeightType.of("int8")).isEqualTo(WeightType.INT8);
    assertThat(WeightType.INT4.identify("sha256:0")).isEqualTo("sha256:0 as int4");
    assertThat(WeightType.AUTO.identify("sha256:0")).isEqualTo("sha256:0");
    assertThatThrownBy(() -> WeightType.of("INT8"))
        .hasMessage("--weights INT8: no such type; there are: auto, bf16, int8, int4");
  }

  private Path pack() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      PackedWeights.of(checkpoint, new WeightOptions(WeightType.INT8, cache));
      String digest = checkpoint.digest().substring("sha256:".length());
      return files().stream()
          .filter(file -> file.getFileName().toString().startsWith(digest))
          .findFirst()
          .orElseThrow();
    }
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(cache)) {
      return files.toList();
    }
  }

  /** A matrix as an embedding's rows, a vector as a norm's gain. */
  private static float[] elements(PackedWeights packed, String name, int rows, int columns) {
    try (Device device = Devices.open("cpu", 1)) {
      Weight weight = packed.load(device, name, rows, columns);
      Tensor out = device.tensor(rows, columns);
      device.embed(out, weight, IntStream.range(0, rows).toArray());
      float[] all = new float[rows * columns];
      for (int row = 0; row < rows; row++) {
        System.arraycopy(device.read(out, row), 0, all, row * columns, columns);
      }
      return all;
    }
  }

  private static float[] floats(ByteBuffer data) {
    ByteBuffer in = data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    float[] floats = new float[in.remaining() / Float.BYTES];
    in.asFloatBuffer().get(floats);
    return floats;
  }
}
