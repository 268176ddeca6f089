package dev.lowpass.jobs;

import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.GgufFile;
import dev.lowpass.pipeline.model.ModelShape;
import dev.lowpass.pipeline.model.RandomModel;
import dev.lowpass.pipeline.model.TensorInfo;
import dev.lowpass.pipeline.model.WeightNames;
import dev.lowpass.pipeline.model.WeightOptions;
import dev.lowpass.pipeline.model.WeightType;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a bench runs: a folder that is there, or a model of random weights, which is written to a
 * temporary folder and deleted at the end. A file rather than memory, because then it is mapped and
 * loaded as any model is.
 */
final class BenchModel implements AutoCloseable {
  /** Tokens that a random model takes in: more than any prompt here, whatever its namesake does. */
  private static final int WINDOW = 1 << 18;

  private static final String TEMPORARY = "lowpass-bench";

  private final Path folder;
  private final boolean random;

  /** Where files of its own are; null while there are none. */
  private Path temporary;

  private BenchModel(Path folder, Path temporary) {
    this.folder = folder;
    this.random = temporary != null;
    this.temporary = temporary;
  }

  static BenchModel of(Path folder) {
    return new BenchModel(folder, null);
  }

  /**
   * A model of random weights.
   *
   * @param shape {@code NAME} or {@code NAME:TYPE}, as in {@code llama-3.2-1b:f16}
   */
  static BenchModel random(String shape) throws IOException {
    int colon = shape.indexOf(':');
    String name = colon < 0 ? shape : shape.substring(0, colon);
    ModelShape sizes = ModelShape.named(name).orElseThrow(() -> unknown(shape));
    RandomModel.Type type =
        colon < 0 ? RandomModel.Type.BF16 : type(shape, shape.substring(colon + 1));
    Path temporary = Files.createTempDirectory(TEMPORARY);
    Path folder = temporary.resolve(shape.replace(':', '-'));
    BenchModel model = new BenchModel(folder, temporary);
    try {
      checkRoom(temporary, RandomModel.bytes(sizes, type), shape);
      RandomModel.write(folder, sizes, type, WINDOW);
      return model;
    } catch (IOException | RuntimeException e) {
      model.close();
      throw e;
    }
  }

  private static RandomModel.Type type(String shape, String name) {
    return Arrays.stream(RandomModel.Type.values())
        .filter(type -> type.name().toLowerCase(Locale.ROOT).equals(name))
        .findFirst()
        .orElseThrow(() -> unknown(shape));
  }

  private static UsageException unknown(String shape) {
    return new UsageException(
        "--shape %s: there is no such shape; give %s, and behind a colon how its weights are stored: f32, f16 or bf16 (the default)"
            .formatted(
                shape,
                ModelShape.NAMED.stream().map(ModelShape::name).collect(Collectors.joining(", "))));
  }

  private static void checkRoom(Path folder, long bytes, String what) throws IOException {
    FileStore store = Files.getFileStore(folder);
    if (store.getUsableSpace() < bytes) {
      throw new UsageException(
          "%s takes %s in %s, which has %s left; choose another folder by LOWPASS_JAVA_OPTIONS=-Djava.io.tmpdir=DIR"
              .formatted(
                  what, Text.bytes(bytes), folder.getParent(), Text.bytes(store.getUsableSpace())));
    }
  }

  Path folder() {
    return folder;
  }

  /** Whether its weights are random, and its tokenizer is none to speak of. */
  boolean isRandom() {
    return random;
  }

  /** How its weights are loaded; what a random model's are turned into is deleted with it. */
  WeightOptions weights(ModelOptions options) {
    return random
        ? new WeightOptions(options.weightType(), temporary.resolve("weights"))
        : options.weights();
  }

  /** The same model as llama.cpp reads it, in its type that is nearest; deleted at the end. */
  Path gguf(WeightType weights) throws IOException {
    if (temporary == null) {
      temporary = Files.createTempDirectory(TEMPORARY);
    }
    Path file = temporary.resolve("model.gguf");
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      TensorInfo embedding = checkpoint.tensors().get(WeightNames.EMBEDDING);
      GgufFile.Type type =
          switch (weights) {
            case AUTO -> GgufFile.Type.valueOf(embedding.storedAs());
            case BF16 -> GgufFile.Type.BF16;
            case INT8 -> GgufFile.Type.Q8_0;
            case INT4 -> GgufFile.Type.Q4_0;
          };
      checkRoom(temporary, checkpoint.parameters() * Float.BYTES, "--vs");
      GgufFile.write(checkpoint, type, file);
    }
    return file;
  }

  /** Has the system write its files to disk now, not while something is measured. */
  void writeBack() throws IOException {
    if (temporary == null) {
      return;
    }
    try (Stream<Path> files = Files.walk(temporary)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
          channel.force(false);
        }
      }
    }
  }

  @Override
  public void close() throws IOException {
    if (temporary == null) {
      return;
    }
    try (Stream<Path> files = Files.walk(temporary)) {
      List<Path> deepestFirst = files.sorted((a, b) -> b.compareTo(a)).toList();
      for (Path file : deepestFirst) {
        Files.delete(file);
      }
    }
  }
}
