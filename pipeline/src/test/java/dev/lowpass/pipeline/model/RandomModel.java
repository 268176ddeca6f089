package dev.lowpass.pipeline.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/**
 * Llamas of any size with random weights, for measurements: bfloat16, a normal distribution of
 * deviation 0.02, norms' gains 1.
 */
public final class RandomModel {
  /** Random numbers that are written again and again; a prime, so that no two rows are the same. */
  private static final int BLOCK = 8_388_617;

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final short ONE = 0x3f80;

  private RandomModel() {}

  /**
   * Writes a model folder.
   *
   * @param config of {@code config.json}: sizes under Hugging Face's names
   * @param tokenizer a model folder whose tokenizer it gets
   */
  public static void write(Path folder, Map<String, ?> config, Path tokenizer) throws IOException {
    Files.createDirectories(folder);
    Path json = folder.resolve(Checkpoint.CONFIG);
    Files.writeString(json, JSON.writeValueAsString(config));
    for (String file : new String[] {"tokenizer.json", "tokenizer_config.json"}) {
      Files.copy(
          tokenizer.resolve(file), folder.resolve(file), StandardCopyOption.REPLACE_EXISTING);
    }
    Map<String, long[]> shapes = WeightNames.expected(ModelConfig.parse(json));
    try (FileChannel out =
        FileChannel.open(
            folder.resolve("model.safetensors"),
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      write(out, header(shapes));
      ByteBuffer random = random();
      for (long[] shape : shapes.values()) {
        if (shape.length == 1) {
          write(out, ones((int) shape[0]));
        } else {
          repeat(out, random, 2 * shape[0] * shape[1]);
        }
      }
    }
  }

  private static ByteBuffer header(Map<String, long[]> shapes) throws IOException {
    Map<String, Object> tensors = new LinkedHashMap<>();
    long offset = 0;
    for (Map.Entry<String, long[]> shape : shapes.entrySet()) {
      long bytes = 2;
      for (long extent : shape.getValue()) {
        bytes *= extent;
      }
      tensors.put(
          shape.getKey(),
          Map.of(
              "dtype",
              "BF16",
              "shape",
              shape.getValue(),
              "data_offsets",
              new long[] {offset, offset + bytes}));
      offset += bytes;
    }
    StringBuilder text = new StringBuilder(JSON.writeValueAsString(tensors));
    text.append(" ".repeat((8 - text.length() % 8) % 8));
    byte[] json = text.toString().getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(Long.BYTES + json.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .flip();
  }

  private static ByteBuffer ones(int count) {
    ByteBuffer ones = ByteBuffer.allocate(2 * count).order(ByteOrder.LITTLE_ENDIAN);
    while (ones.hasRemaining()) {
      ones.putShort(ONE);
    }
    return ones.flip();
  }

  private static ByteBuffer random() {
    Random random = new Random(1);
    ByteBuffer block = ByteBuffer.allocateDirect(2 * BLOCK).order(ByteOrder.LITTLE_ENDIAN);
    while (block.hasRemaining()) {
      float weight = (float) (0.02 * random.nextGaussian());
      block.putShort((short) (Float.floatToRawIntBits(weight) >>> 16));
    }
    return block.flip();
  }

  /** Goes on with the block where the last tensor left it. */
  private static void repeat(FileChannel out, ByteBuffer block, long bytes) throws IOException {
    long left = bytes;
    while (left > 0) {
      if (!block.hasRemaining()) {
        block.rewind();
      }
      int count = (int) Math.min(left, block.remaining());
      write(out, block.slice(block.position(), count));
      block.position(block.position() + count);
      left -= count;
    }
  }

  private static void write(FileChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }
}
