package dev.lowpass.pipeline.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Devices;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.TinyCheckpoints;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Logits of small random checkpoints of each family against the float64 forward pass. */
class DecoderReferenceTest {
  private static final int TOKENS = 75;
  private static final double RELATIVE = 1e-4;

  static Stream<Arguments> checkpoints() {
    Map<String, Object> llama3 =
        Map.of(
            "rope_type", "llama3",
            "factor", 8.0,
            "low_freq_factor", 1.0,
            "high_freq_factor", 4.0,
            "original_max_position_embeddings", 32);
    Map<String, Object> yarn =
        Map.of("rope_type", "yarn", "factor", 4.0, "original_max_position_embeddings", 32);
    return Stream.of(
        Arguments.of("llama", Map.of(), DType.F32),
        Arguments.of("llama", Map.of("tie_word_embeddings", true), DType.BF16),
        Arguments.of("llama", Map.of("num_key_value_heads", 1), DType.F16),
        Arguments.of("llama", Map.of("attention_bias", true, "mlp_bias", true), DType.F32),
        Arguments.of("llama", Map.of("rope_scaling", llama3), DType.F32),
        Arguments.of(
            "llama", Map.of("rope_scaling", Map.of("type", "linear", "factor", 2.0)), DType.F32),
        Arguments.of("llama", Map.of("rope_scaling", yarn), DType.F32),
        Arguments.of("mistral", Map.of("sliding_window", 16), DType.F32),
        Arguments.of("mistral", Map.of(), DType.BF16),
        Arguments.of("qwen2", Map.of(), DType.F32),
        Arguments.of("qwen3", Map.of(), DType.F32));
  }

  @ParameterizedTest(name = "{0} {1} {2}")
  @MethodSource("checkpoints")
  void logitsAgreeWithFloat64(
      String family, Map<String, Object> overrides, DType type, @TempDir Path folder) {
    TinyCheckpoints.write(folder, family, overrides, type, 7);
    try (Checkpoint checkpoint = Checkpoint.open(folder);
        Device device = Devices.open("cpu", 2);
        Decoder decoder = Decoder.load(checkpoint, device, 32, 32);
        Sequence sequence =
            new Sequence(decoder, SequenceOptions.unscored(CacheOptions.FULL.policy(), TOKENS))) {
      int vocabulary = checkpoint.config().vocabularySize();
      int[] tokens = new Random(3).ints(TOKENS, 0, vocabulary).toArray();
      double[][] expected = ReferenceDecoder.logits(checkpoint, tokens);
      double scale = 0;
      for (double[] row : expected) {
        for (double logit : row) {
          scale = Math.max(scale, Math.abs(logit));
        }
      }
      // Prefill in passes of 32, then of 10, then token by token: all three sizes meet the cache.
      int at = 0;
      for (int rows : new int[] {32, 32, 10, 1}) {
        int first = at;
        int[] chunk = IntStream.range(first, first + rows).map(i -> tokens[i]).toArray();
        Alone.forward(decoder, sequence, chunk, IntStream.range(0, rows).toArray());
        for (int i = 0; i < rows; i++) {
          float[] logits = decoder.logits(i);
          for (int v = 0; v < vocabulary; v++) {
            assertThat(Math.abs(logits[v] - expected[first + i][v]))
                .as(
                    "token %d, logit %d: %s against %s",
                    first + i, v, logits[v], expected[first + i][v])
                .isLessThan(RELATIVE * scale);
          }
        }
        at += rows;
      }
      assertThat(at).isEqualTo(TOKENS);
      assertThat(sequence.length()).isEqualTo(TOKENS);
    }
  }
}
