package dev.lowpass.pipeline.model;

import dev.lowpass.kernels.DType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A Llama checkpoint as llama.cpp's bench reads it: GGUF version 3 (ggml/docs/gguf.md). For
 * measurements alone: there is no tokenizer in it, nor RoPE's base and scaling, and query and key
 * rows lie as Hugging Face has them. None of that matters to speed.
 */
public final class GgufFile {
  /** What matrices are stored as. Vectors are always float32. */
  public enum Type {
    F32(0, 0, 1, 4),
    F16(1, 1, 1, 2),
    BF16(30, 32, 1, 2),
    /** Blocks of 32: a float16 scale, then bytes. */
    Q8_0(8, 7, 32, 34),
    /**
     * Blocks of 32: a float16 scale, then 16 bytes, whose lower halves are the first 16. The
     * embedding and the LM head are Q8_0, since an error there goes straight into the scores.
     */
    Q4_0(2, 2, 32, 18);

    private final int tensorType;
    private final int fileType;
    private final int block;
    private final int blockBytes;

    Type(int tensorType, int fileType, int block, int blockBytes) {
      this.tensorType = tensorType;
      this.fileType = fileType;
      this.block = block;
      this.blockBytes = blockBytes;
    }

    private long bytes(long elements) {
      return elements / block * blockBytes;
    }
  }

  private static final int VERSION = 3;
  private static final int ALIGNMENT = 32;

  // Types of metadata values.
  private static final int UINT32 = 4;
  private static final int FLOAT32 = 6;
  private static final int STRING = 8;

  /** Elements that are converted at a time; whole blocks. */
  private static final int CHUNK = 1 << 18;

  private final Checkpoint checkpoint;
  private final Type type;

  /** Names in the checkpoint by names in the file, in the file's order. */
  private final Map<String, String> tensors = new LinkedHashMap<>();

  private GgufFile(Checkpoint checkpoint, Type type) {
    this.checkpoint = checkpoint;
    this.type = type;
    ModelConfig config = checkpoint.config();
    tensors.put("token_embd.weight", WeightNames.EMBEDDING);
    for (int i = 0; i < config.layers(); i++) {
      WeightNames.Layer layer = WeightNames.layer(i);
      String block = "blk." + i + ".";
      tensors.put(block + "attn_norm.weight", layer.attentionNorm());
      tensors.put(block + "attn_q.weight", layer.query());
      tensors.put(block + "attn_k.weight", layer.key());
      tensors.put(block + "attn_v.weight", layer.value());
      tensors.put(block + "attn_output.weight", layer.attentionOutput());
      tensors.put(block + "ffn_norm.weight", layer.mlpNorm());
      tensors.put(block + "ffn_gate.weight", layer.gate());
      tensors.put(block + "ffn_up.weight", layer.up());
      tensors.put(block + "ffn_down.weight", layer.down());
    }
    tensors.put("output_norm.weight", WeightNames.FINAL_NORM);
    if (!config.tiedEmbeddings()) {
      tensors.put("output.weight", WeightNames.output(config));
    }
  }

  /**
   * Writes a checkpoint's weights as one type.
   *
   * @throws ModelException if the checkpoint is no plain Llama, or has rows that are no whole
   *     blocks
   */
  public static void write(Checkpoint checkpoint, Type type, Path file) throws IOException {
    ModelConfig config = checkpoint.config();
    if (!config.modelType().equals("llama") || config.queryKeyValueBias() || config.mlpBias()) {
      throw new ModelException(
          checkpoint.folder()
              + ": only a Llama without biases can be written as GGUF; use another model");
    }
    try (FileChannel out =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      GgufFile gguf = new GgufFile(checkpoint, type);
      write(out, ByteBuffer.wrap(gguf.header()));
      for (String tensor : gguf.tensors.values()) {
        gguf.writeTensor(out, tensor);
        pad(out);
      }
    }
  }

  private byte[] header() {
    ModelConfig config = checkpoint.config();
    Bytes bytes = new Bytes();
    bytes.raw("GGUF").uint32(VERSION).uint64(tensors.size());
    Bytes metadata = new Bytes();
    int keys = 0;
    keys += metadata.pair("general.architecture", "llama");
    keys += metadata.pair("general.name", checkpoint.name());
    keys += metadata.pair("general.file_type", type.fileType);
    keys += metadata.pair("llama.block_count", config.layers());
    keys += metadata.pair("llama.context_length", config.maxPositions());
    keys += metadata.pair("llama.embedding_length", config.hiddenSize());
    keys += metadata.pair("llama.feed_forward_length", config.intermediateSize());
    keys += metadata.pair("llama.attention.head_count", config.heads());
    keys += metadata.pair("llama.attention.head_count_kv", config.kvHeads());
    keys += metadata.pair("llama.attention.key_length", config.headDim());
    keys += metadata.pair("llama.attention.value_length", config.headDim());
    keys += metadata.pair("llama.rope.dimension_count", config.headDim());
    keys += metadata.pair("llama.attention.layer_norm_rms_epsilon", config.rmsNormEpsilon());
    keys += metadata.pair("llama.vocab_size", config.vocabularySize());
    keys += metadata.pair("tokenizer.ggml.model", "no_vocab");
    bytes.uint64(keys).raw(metadata);
    long offset = 0;
    for (Map.Entry<String, String> entry : tensors.entrySet()) {
      TensorInfo tensor = checkpoint.tensors().get(entry.getValue());
      long[] shape = tensor.shape();
      bytes.string(entry.getKey()).uint32(shape.length);
      for (int i = shape.length - 1; i >= 0; i--) {
        bytes.uint64(shape[i]); // the fastest first
      }
      bytes.uint32(type(tensor).tensorType).uint64(offset);
      offset = aligned(offset + type(tensor).bytes(tensor.elements()));
    }
    return bytes.padded();
  }

  private Type type(TensorInfo tensor) {
    long[] shape = tensor.shape();
    if (shape.length == 1) {
      return Type.F32;
    }
    boolean vocabulary =
        tensor.name().equals(WeightNames.EMBEDDING)
            || tensor.name().equals(WeightNames.output(checkpoint.config()));
    Type own = type == Type.Q4_0 && vocabulary ? Type.Q8_0 : type;
    if (shape[1] % own.block != 0) {
      throw new ModelException(
          tensor.file()
              + ": tensor "
              + tensor.name()
              + " has rows of "
              + shape[1]
              + " weights, which are no whole blocks of "
              + own
              + "; use another type");
    }
    return own;
  }

  private void writeTensor(FileChannel out, String name) throws IOException {
    TensorInfo tensor = checkpoint.tensors().get(name);
    DType stored = tensor.dtype();
    ByteBuffer data = checkpoint.data(name);
    Type wanted = type(tensor);
    if (wanted.name().equals(stored.name())) {
      write(out, data);
      return;
    }
    float[] values = new float[CHUNK];
    ByteBuffer chunk =
        ByteBuffer.allocate((int) wanted.bytes(CHUNK)).order(ByteOrder.LITTLE_ENDIAN);
    int elements = (int) tensor.elements();
    for (int from = 0; from < elements; from += CHUNK) {
      int count = Math.min(CHUNK, elements - from);
      for (int i = 0; i < count; i++) {
        values[i] = get(stored, data, from + i);
      }
      chunk.clear();
      for (int i = 0; i < count; i += wanted.block) {
        put(wanted, values, i, chunk);
      }
      write(out, chunk.flip());
    }
  }

  /** One block, as ggml's reference quantisation has it. */
  static void put(Type type, float[] values, int from, ByteBuffer out) {
    switch (type) {
      case F32 -> out.putFloat(values[from]);
      case F16 -> out.putShort(toF16(values[from]));
      case BF16 -> out.putShort((short) (Float.floatToRawIntBits(values[from]) >>> 16));
      case Q8_0 -> {
        float scale = Math.abs(largest(values, from)) / 127;
        out.putShort(toF16(scale));
        for (int i = 0; i < type.block; i++) {
          out.put((byte) Math.round(scale == 0 ? 0 : values[from + i] / scale));
        }
      }
      case Q4_0 -> {
        float scale = largest(values, from) / -8;
        out.putShort(toF16(scale));
        int half = type.block / 2;
        for (int i = 0; i < half; i++) {
          out.put(
              (byte) (four(values[from + i], scale) | four(values[from + half + i], scale) << 4));
        }
      }
    }
  }

  private static int four(float value, float scale) {
    return scale == 0 ? 8 : Math.min(15, (int) (value / scale + 8.5f));
  }

  /** The value of a block that is farthest from 0. */
  private static float largest(float[] values, int from) {
    float largest = 0;
    for (int i = from; i < from + Type.Q8_0.block; i++) {
      if (Math.abs(values[i]) > Math.abs(largest)) {
        largest = values[i];
      }
    }
    return largest;
  }

  private static float get(DType type, ByteBuffer data, int index) {
    return switch (type) {
      case F32 -> data.getFloat(Float.BYTES * index);
      case BF16 -> Float.intBitsToFloat(data.getShort(Short.BYTES * index) << 16);
      case F16 -> fromF16(data.getShort(Short.BYTES * index));
    };
  }

  /** Of finite numbers. */
  private static float fromF16(short bits) {
    float moved = Float.intBitsToFloat((bits & 0x7fff) << 13) * 0x1p112f;
    return bits < 0 ? -moved : moved;
  }

  /** Of numbers that a float16 holds; to the nearest, ties to even. */
  private static short toF16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    if (Math.abs(value) < 0x1p-14f) {
      return (short) (sign | (int) Math.rint(Math.abs(value) * 0x1p24));
    }
    int magnitude = bits & 0x7fffffff;
    return (short) (sign | (magnitude + 0xfff + (magnitude >>> 13 & 1) >>> 13) - (112 << 10));
  }

  private static long aligned(long offset) {
    return (offset + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  private static void pad(FileChannel out) throws IOException {
    long position = out.position();
    write(out, ByteBuffer.allocate((int) (aligned(position) - position)));
  }

  private static void write(FileChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }

  /** Little endian. */
  private static final class Bytes {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    Bytes raw(String ascii) {
      bytes.writeBytes(ascii.getBytes(StandardCharsets.US_ASCII));
      return this;
    }

    Bytes raw(Bytes other) {
      bytes.writeBytes(other.bytes.toByteArray());
      return this;
    }

    Bytes uint32(int value) {
      bytes.writeBytes(
          ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
      return this;
    }

    Bytes uint64(long value) {
      bytes.writeBytes(
          ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
      return this;
    }

    Bytes string(String text) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      uint64(utf8.length);
      bytes.writeBytes(utf8);
      return this;
    }

    int pair(String key, String value) {
      string(key).uint32(STRING).string(value);
      return 1;
    }

    int pair(String key, int value) {
      string(key).uint32(UINT32).uint32(value);
      return 1;
    }

    int pair(String key, float value) {
      string(key).uint32(FLOAT32).uint32(Float.floatToRawIntBits(value));
      return 1;
    }

    byte[] padded() {
      bytes.writeBytes(new byte[(int) (aligned(bytes.size()) - bytes.size())]);
      return bytes.toByteArray();
    }
  }
}
