package dev.lowpass.pipeline.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Devices;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.cache.CachePolicy;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.TinyCheckpoints;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Sequences longer than their caches, on tiny random models. */
class SequenceTest {
  private static final int TOKENS = 150;
  private static final double RELATIVE = 1e-4;

  @TempDir Path folder;

  static Stream<Arguments> cases() {
    Map<String, Object> yarn =
        Map.of("rope_type", "yarn", "factor", 4.0, "original_max_position_embeddings", 32);
    return Stream.of(
        Arguments.of("llama", Map.of(), CacheOptions.of("freqkv", 48).with("recent", 0)),
        Arguments.of(
            "llama",
            Map.of(),
            CacheOptions.of("freqkv", 65)
                .with("sinks", 3)
                .with("retained-ratio", 0.37)
                .with("recent", 11)),
        Arguments.of("llama", Map.of(), CacheOptions.of("streaming", 48)),
        Arguments.of(
            "llama",
            Map.of(),
            CacheOptions.of("streaming", 37).with("sinks", 2).with("recent", 34)),
        Arguments.of("llama", Map.of("rope_scaling", yarn), CacheOptions.of("freqkv", 40)),
        Arguments.of("mistral", Map.of("sliding_window", 16), CacheOptions.of("freqkv", 40)),
        Arguments.of("qwen2", Map.of(), CacheOptions.of("freqkv", 57)),
        Arguments.of("qwen3", Map.of(), CacheOptions.of("freqkv", 40)));
  }

  @ParameterizedTest(name = "{0} {1} {2}")
  @MethodSource("cases")
  void logitsAgreeWithFloat64(String family, Map<String, Object> overrides, CacheOptions options) {
    try (Model model = new Model(folder, family, overrides)) {
      CachePolicy policy = options.resolve(256, false).policy();
      double[][] expected = ReferenceDecoder.logits(model.checkpoint, policy, model.tokens);
      double scale =
          Arrays.stream(expected).flatMapToDouble(Arrays::stream).map(Math::abs).max().orElse(0);
      List<float[]> actual = model.run(policy, 32);
      for (int t = 0; t < TOKENS; t++) {
        for (int v = 0; v < expected[t].length; v++) {
          assertThat(Math.abs(actual.get(t)[v] - expected[t][v]))
              .as("token %d, logit %d: %s, %s", t, v, actual.get(t)[v], expected[t][v])
              .isLessThan(RELATIVE * scale);
        }
      }
      // Two blocks of a cache apart, the policies differ from a full one: the test sees something.
      double[][] full = ReferenceDecoder.logits(model.checkpoint, model.tokens);
      assertThat(
              IntStream.range(0, full[0].length)
                  .mapToDouble(v -> full[TOKENS - 1][v] - expected[TOKENS - 1][v])
                  .map(Math::abs)
                  .max()
                  .orElse(0))
          .isGreaterThan(10 * RELATIVE * scale);
    }
  }

  @ParameterizedTest(name = "{0} {1} {2}")
  @MethodSource("cases")
  void bitsDoNotDependOnChunks(String family, Map<String, Object> overrides, CacheOptions options) {
    try (Model model = new Model(folder, family, overrides)) {
      List<float[]> expected = model.run(options.resolve(256, false).policy(), 32);
      for (int chunk : new int[] {1, 7}) {
        List<float[]> actual = model.run(options.resolve(256, false).policy(), chunk);
        for (int t = 0; t < TOKENS; t++) {
          assertThat(actual.get(t))
              .as("token %s in chunks of %s", t, chunk)
              .isEqualTo(expected.get(t));
        }
      }
    }
  }

  @Test
  void aCapacityThatIsNotExceededChangesNothing() {
    try (Model model = new Model(folder, "llama", Map.of())) {
      List<float[]> expected = model.run(CacheOptions.FULL.resolve(256, false).policy(), 32);
      for (String name : CacheOptions.POLICIES) {
        List<float[]> actual =
            model.run(CacheOptions.of(name, TOKENS).resolve(256, false).policy(), 32);
        for (int t = 0; t < TOKENS; t++) {
          assertThat(actual.get(t)).as("%s, token %s", name, t).isEqualTo(expected.get(t));
        }
      }
    }
  }

  /** A tiny model and a sequence for it. */
  private static final class Model implements AutoCloseable {
    private final Checkpoint checkpoint;
    private final Device device = Devices.open("cpu", 2);
    private final Decoder decoder;
    private final int[] tokens;

    Model(Path folder, String family, Map<String, Object> overrides) {
      TinyCheckpoints.write(folder, family, overrides, DType.F32, 7);
      checkpoint = Checkpoint.open(folder);
      decoder = Decoder.load(checkpoint, device, 32, 32);
      tokens = new Random(3).ints(TOKENS, 0, checkpoint.config().vocabularySize()).toArray();
    }

    /** Every token's logits. */
    List<float[]> run(CachePolicy policy, int chunk) {
      List<float[]> logits = new ArrayList<>();
      try (Sequence sequence = new Sequence(decoder, SequenceOptions.unscored(policy, TOKENS))) {
        for (int first = 0, rows; first < TOKENS; first += rows) {
          rows = Math.min(Math.min(chunk, TOKENS - first), sequence.room());
          Alone.forward(
              decoder,
              sequence,
              Arrays.copyOfRange(tokens, first, first + rows),
              IntStream.range(0, rows).toArray());
          for (int i = 0; i < rows; i++) {
            logits.add(decoder.logits(i));
          }
          assertThat(sequence.length()).isLessThanOrEqualTo(policy.cacheTokens());
        }
      }
      return logits;
    }

    @Override
    public void close() {
      decoder.close();
      device.close();
      checkpoint.close();
    }
  }
}
