package dev.lowpass.pipeline.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Models of any shape with random weights, for measurements: norms' gains are 1, all other weights
 * have a random sign and a random size between 1/64 and 1/32. They are files like any other model's
 * and are mapped as those are, so that what is measured is what a real model costs. The tokenizer
 * knows single bytes and nothing else.
 */
public final class RandomModel {
  /** How its weights are stored. */
  public enum Type {
    F32(4, 0x807f_ffff_807f_ffffL, 0x3c80_0000_3c80_0000L, 0x3f800000),
    F16(2, 0x83ff_83ff_83ff_83ffL, 0x2400_2400_2400_2400L, 0x3c00),
    BF16(2, 0x807f_807f_807f_807fL, 0x3c80_3c80_3c80_3c80L, 0x3f80);

    private final int bytes;

    /** Eight bytes of elements with all bits of sign and fraction. */
    private final long free;

    /** Eight bytes of elements with the exponent of 1/64. */
    private final long exponent;

    /** The element 1. */
    private final int one;

    Type(int bytes, long free, long exponent, int one) {
      this.bytes = bytes;
      this.free = free;
      this.exponent = exponent;
      this.one = one;
    }
  }

  /**
   * Random longs that are written again and again; a prime, so that no two rows are the same. 16
   * MiB come out of the processor's cache, while the files are written as fast as the disk takes
   * them.
   */
  private static final int BLOCK = 2_097_169;

  private static final ObjectMapper JSON = new ObjectMapper();

  private RandomModel() {}

  /** Bytes that a model's weights take. */
  public static long bytes(ModelShape shape, Type type) {
    return shape.parameters() * type.bytes;
  }

  /**
   * Writes a model folder: config.json, model.safetensors and tokenizer.json.
   *
   * @param type of all weights
   * @param window tokens that the model is to take in, whatever its namesake does
   */
  public static void write(Path folder, ModelShape shape, Type type, int window)
      throws IOException {
    Files.createDirectories(folder);
    Path json = folder.resolve(Checkpoint.CONFIG);
    Files.writeString(json, JSON.writeValueAsString(shape.config(window)));
    Files.writeString(folder.resolve("tokenizer.json"), JSON.writeValueAsString(tokenizer()));
    Map<String, long[]> shapes = WeightNames.expected(ModelConfig.parse(json));
    try (FileChannel out =
        FileChannel.open(
            folder.resolve("model.safetensors"),
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      write(out, header(shapes, type));
      ByteBuffer random = random(type);
      for (long[] extents : shapes.values()) {
        if (extents.length == 1) {
          write(out, ones((int) extents[0], type));
        } else {
          repeat(out, random, bytes(extents, type));
        }
      }
    }
  }

  /** BPE without merges: a token a byte, which the vocabulary spells {@code <0x0A>}. */
  private static Map<String, Object> tokenizer() {
    Map<String, Object> vocabulary = new LinkedHashMap<>();
    for (int i = 0; i < 256; i++) {
      vocabulary.put(String.format("<0x%02X>", i), i);
    }
    Map<String, Object> model =
        Map.of("type", "BPE", "vocab", vocabulary, "merges", List.of(), "byte_fallback", true);
    return Map.of("model", model, "decoder", Map.of("type", "ByteFallback"));
  }

  private static ByteBuffer header(Map<String, long[]> shapes, Type type) throws IOException {
    Map<String, Object> tensors = new LinkedHashMap<>();
    long offset = 0;
    for (Map.Entry<String, long[]> shape : shapes.entrySet()) {
      long end = offset + bytes(shape.getValue(), type);
      tensors.put(
          shape.getKey(),
          Map.of(
              "dtype",
              type.name(),
              "shape",
              shape.getValue(),
              "data_offsets",
              new long[] {offset, end}));
      offset = end;
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

  private static long bytes(long[] extents, Type type) {
    long bytes = type.bytes;
    for (long extent : extents) {
      bytes *= extent;
    }
    return bytes;
  }

  private static ByteBuffer ones(int count, Type type) {
    ByteBuffer ones = ByteBuffer.allocate(type.bytes * count).order(ByteOrder.LITTLE_ENDIAN);
    while (ones.hasRemaining()) {
      if (type == Type.F32) {
        ones.putInt(type.one);
      } else {
        ones.putShort((short) type.one);
      }
    }
    return ones.flip();
  }

  /** Elements with a random sign and fraction, and the exponent of 1/64. */
  private static ByteBuffer random(Type type) {
    Random random = new Random(1);
    ByteBuffer block = ByteBuffer.allocateDirect(Long.BYTES * BLOCK).order(ByteOrder.LITTLE_ENDIAN);
    while (block.hasRemaining()) {
      block.putLong(random.nextLong() & type.free | type.exponent);
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
