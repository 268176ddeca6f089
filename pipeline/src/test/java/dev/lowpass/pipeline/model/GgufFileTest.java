package dev.lowpass.pipeline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files as ggml's specification of GGUF has them, by a reader of its own. */
class GgufFileTest {
  private static final ModelShape SHAPE =
      new ModelShape("tiny", 64, 96, 2, 4, 2, 32, 300, /* tied= */ false);

  @TempDir Path folder;

  @Test
  void aCheckpointsWeightsAsTheyAreStored() throws IOException {
    RandomModel.write(folder.resolve("m"), SHAPE, RandomModel.Type.BF16, 512);
    try (Checkpoint checkpoint = Checkpoint.open(folder.resolve("m"))) {
      Gguf gguf = gguf(checkpoint, GgufFile.Type.BF16);
      assertThat(gguf.metadata)
          .containsEntry("general.architecture", "llama")
          .containsEntry("general.file_type", 32)
          .containsEntry("llama.block_count", 2)
          .containsEntry("llama.context_length", 512)
          .containsEntry("llama.embedding_length", 64)
          .containsEntry("llama.feed_forward_length", 96)
          .containsEntry("llama.attention.head_count", 4)
          .containsEntry("llama.attention.head_count_kv", 2)
          .containsEntry("llama.attention.key_length", 32)
          .containsEntry("llama.attention.value_length", 32)
          .containsEntry("llama.attention.layer_norm_rms_epsilon", 1e-5f)
          .containsEntry("llama.vocab_size", 300)
          .containsEntry("tokenizer.ggml.model", "no_vocab");
      assertThat(gguf.tensors).hasSize(2 * 9 + 3);
      assertThat(gguf.tensors.get("token_embd.weight"))
          .isEqualTo(new Tensor(List.of(64L, 300L), 30, 0));
      assertThat(gguf.tensors.get("blk.1.attn_k.weight").extents).containsExactly(64L, 64L);
      assertThat(gguf.tensors.get("blk.1.attn_output.weight").extents).containsExactly(128L, 64L);
      assertThat(gguf.tensors.get("blk.0.ffn_down.weight").extents).containsExactly(96L, 64L);
      assertThat(gguf.data("output.weight", 2 * 64 * 300))
          .isEqualTo(checkpoint.data("lm_head.weight"));
      assertThat(gguf.data("blk.1.ffn_up.weight", 2 * 64 * 96))
          .isEqualTo(checkpoint.data(WeightNames.layer(1).up()));
      ByteBuffer norm = gguf.data("output_norm.weight", 4 * 64);
      assertThat(gguf.tensors.get("output_norm.weight").type).isZero();
      for (int i = 0; i < 64; i++) {
        assertThat(norm.getFloat(4 * i)).isEqualTo(1);
      }
    }
  }

  @Test
  void theLastTensorEndsTheFile() throws IOException {
    RandomModel.write(folder.resolve("m"), SHAPE, RandomModel.Type.F16, 512);
    try (Checkpoint checkpoint = Checkpoint.open(folder.resolve("m"))) {
      Gguf gguf = gguf(checkpoint, GgufFile.Type.Q8_0);
      Tensor last = gguf.tensors.get("output.weight");
      assertThat(last.type).isEqualTo(8);
      assertThat(gguf.bytes.limit() - gguf.start - last.offset - 34 * 64 * 300 / 32)
          .as("padding")
          .isBetween(0L, 31L);
      assertThat(gguf.tensors.values()).allMatch(tensor -> tensor.offset % 32 == 0);
      // A weight of 1/64 to 1/32 is told to a 254th of its block's largest.
      ByteBuffer rows = gguf.data("output.weight", 34);
      float first =
          Float.intBitsToFloat((rows.getShort(0) & 0x7fff) << 13) * 0x1p112f * rows.get(2);
      assertThat(Math.abs(first)).isBetween(0.0155f, 0.0314f);
    }
  }

  @Test
  void fourBitsButForTheVocabulary() throws IOException {
    RandomModel.write(folder.resolve("m"), SHAPE, RandomModel.Type.BF16, 512);
    try (Checkpoint checkpoint = Checkpoint.open(folder.resolve("m"))) {
      Map<String, Tensor> tensors = gguf(checkpoint, GgufFile.Type.Q4_0).tensors;
      assertThat(tensors.get("token_embd.weight").type).isEqualTo(8);
      assertThat(tensors.get("output.weight").type).isEqualTo(8);
      assertThat(tensors.get("blk.0.attn_v.weight").type).isEqualTo(2);
      assertThat(tensors.get("blk.0.ffn_norm.weight").type).isZero();
    }
  }

  /** The bytes are those of gguf-py 0.17's {@code quants.quantize}. */
  @Test
  void blocks() {
    float[] values = new float[32];
    for (int i = 0; i < 32; i++) {
      values[i] = (i * 37 % 64 - 31) / 512f;
    }
    assertThat(block(GgufFile.Type.Q8_0, 34, values))
        .isEqualTo("08108518ad40d467fc9124b94be073089d30c457ec7f14a93cd063f88d20b547dc6f");
    assertThat(block(GgufFile.Type.Q4_0, 18, values))
        .isEqualTo("00a0cf379d047be248bf269df36ad148ae15");
    assertThat(block(GgufFile.Type.F16, 2, new float[] {-31 / 512f})).isEqualTo("c0ab");
    assertThat(block(GgufFile.Type.F16, 2, new float[] {0x1p-16f})).isEqualTo("0001");
    assertThat(block(GgufFile.Type.Q8_0, 34, new float[32])).isEqualTo("00".repeat(34));
    assertThat(block(GgufFile.Type.Q4_0, 18, new float[32])).endsWith("88".repeat(16));
  }

  @Test
  void rowsThatAreNoWholeBlocks() throws IOException {
    ModelShape odd = new ModelShape("odd", 48, 96, 1, 4, 2, 12, 300, true);
    RandomModel.write(folder.resolve("m"), odd, RandomModel.Type.F32, 512);
    try (Checkpoint checkpoint = Checkpoint.open(folder.resolve("m"))) {
      assertThatThrownBy(() -> gguf(checkpoint, GgufFile.Type.Q4_0))
          .isInstanceOf(ModelException.class)
          .hasMessage(
              folder.resolve("m/model.safetensors")
                  + ": tensor model.embed_tokens.weight has rows of 48 weights, which are no whole"
                  + " blocks of Q8_0; use another type");
    }
  }

  private static String block(GgufFile.Type type, int bytes, float[] values) {
    ByteBuffer out = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    GgufFile.put(type, values, 0, out);
    assertThat(out.hasRemaining()).isFalse();
    return HexFormat.of().formatHex(out.array());
  }

  private Gguf gguf(Checkpoint checkpoint, GgufFile.Type type) throws IOException {
    Path file = folder.resolve("model.gguf");
    GgufFile.write(checkpoint, type, file);
    return new Gguf(ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN));
  }

  private record Tensor(List<Long> extents, int type, long offset) {}

  private static final class Gguf {
    final ByteBuffer bytes;
    final Map<String, Object> metadata = new LinkedHashMap<>();
    final Map<String, Tensor> tensors = new LinkedHashMap<>();
    final int start;

    Gguf(ByteBuffer bytes) {
      this.bytes = bytes;
      assertThat(bytes.getInt()).as("magic").isEqualTo(0x46554747);
      assertThat(bytes.getInt()).as("version").isEqualTo(3);
      long count = bytes.getLong();
      long pairs = bytes.getLong();
      for (int i = 0; i < pairs; i++) {
        String key = string();
        int type = bytes.getInt();
        metadata.put(
            key,
            switch (type) {
              case 4 -> bytes.getInt();
              case 6 -> bytes.getFloat();
              case 8 -> string();
              default -> throw new AssertionError(key + " has type " + type);
            });
      }
      for (int i = 0; i < count; i++) {
        String name = string();
        Long[] extents = new Long[bytes.getInt()];
        for (int j = 0; j < extents.length; j++) {
          extents[j] = bytes.getLong();
        }
        tensors.put(name, new Tensor(List.of(extents), bytes.getInt(), bytes.getLong()));
      }
      this.start = (bytes.position() + 31) / 32 * 32;
    }

    private String string() {
      byte[] text = new byte[(int) bytes.getLong()];
      bytes.get(text);
      return new String(text, StandardCharsets.UTF_8);
    }

    ByteBuffer data(String tensor, int length) {
      return bytes
          .slice(start + (int) tensors.get(tensor).offset, length)
          .order(ByteOrder.LITTLE_ENDIAN);
    }
  }
}
