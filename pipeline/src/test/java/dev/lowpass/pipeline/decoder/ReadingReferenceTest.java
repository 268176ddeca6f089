package dev.lowpass.pipeline.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Devices;
import dev.lowpass.kernels.Positions;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.cache.CachePolicy;
import dev.lowpass.pipeline.cache.Observation;
import dev.lowpass.pipeline.decoder.ReferenceReader.Settings;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.TinyCheckpoints;
import dev.lowpass.pipeline.prefill.FastKv;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Documents that are scored as they are read, block by block, on tiny random models: logits of the
 * question behind them against float64, in passes that are shorter than the blocks.
 */
class ReadingReferenceTest {
  private static final int DOCUMENT = 170;
  private static final int QUESTION = 9;
  private static final int PASS = 24;
  private static final double RELATIVE = 1e-4;

  @TempDir Path folder;

  private static PrefillOptions tsp(double tau, double rho) {
    return new PrefillOptions("fastkv", 1, tau, 0, rho, 0);
  }

  static Stream<Arguments> cases() {
    CacheOptions hybrid = CacheOptions.of("hybrid", 60);
    CacheOptions small =
        CacheOptions.of("hybrid", 45)
            .with("sinks", 2)
            .with("retained-ratio", 0.4)
            .with("recent", 0)
            .with("exact-share", 0.3);
    return Stream.of(
        // policy, prefill, probe length, positions, family
        Arguments.of(hybrid, PrefillOptions.FULL, 5, "cache", "llama"),
        Arguments.of(hybrid, PrefillOptions.FULL, 5, "original", "llama"),
        Arguments.of(hybrid, PrefillOptions.FULL, 0, "cache", "qwen2"),
        Arguments.of(small, PrefillOptions.FULL, 3, "cache", "qwen3"),
        Arguments.of(small, PrefillOptions.FULL, 3, "original", "llama"),
        Arguments.of(
            hybrid.with("retained-ratio", 0).with("recent", 0),
            PrefillOptions.FULL,
            4,
            "cache",
            "llama"),
        Arguments.of(hybrid, tsp(0.5, 0), 5, "cache", "llama"),
        Arguments.of(hybrid, tsp(0.5, 0), 5, "original", "llama"),
        Arguments.of(small, tsp(0.6, 0), 0, "original", "llama"),
        Arguments.of(CacheOptions.FULL, tsp(0.4, 0.2), 0, "original", "llama"),
        Arguments.of(CacheOptions.FULL, tsp(0.4, 0.2), 6, "original", "qwen3"),
        Arguments.of(CacheOptions.FULL, tsp(0.3, 0.25), 0, "cache", "llama"),
        Arguments.of(CacheOptions.FULL, tsp(1, 0.15), 4, "original", "qwen2"));
  }

  @ParameterizedTest(name = "{0} {1} probe {2} {3} {4}")
  @MethodSource("cases")
  void logitsAgreeWithFloat64(
      CacheOptions cache, PrefillOptions prefill, int probe, String positions, String family) {
    TinyCheckpoints.write(folder, family, Map.of(), DType.F32, 7);
    compare(cache, prefill, probe, positions, DOCUMENT);
  }

  /** About N = 60, and about the ends of blocks: of N, and then of M - L = 14. */
  @ParameterizedTest
  @ValueSource(ints = {1, 3, 4, 5, 7, 8, 9, 23, 24, 25, 31, 59, 60, 61, 73, 74, 75, 87, 88, 89})
  void lengthsAboutEveryBoundary(int document) {
    TinyCheckpoints.write(folder, "llama", Map.of(), DType.F32, 7);
    CacheOptions hybrid = CacheOptions.of("hybrid", 60);
    compare(hybrid, PrefillOptions.FULL, 5, "cache", document);
    compare(hybrid, tsp(0.6, 0), 5, "original", document);
    compare(hybrid, tsp(0.6, 0), 0, "cache", document);
    compare(CacheOptions.FULL, tsp(0.5, 0.3), 0, "original", document);
  }

  private void compare(
      CacheOptions options, PrefillOptions prefill, int probeTokens, String positions, int length) {
    Random random = new Random(5);
    int[] document = random.ints(DOCUMENT, 0, 96).limit(length).toArray();
    int[] probe = random.ints(probeTokens, 0, 96).toArray();
    int[] question = random.ints(QUESTION, 0, 96).toArray();
    CacheOptions cache = options.resolve(256, false);
    CachePolicy policy = cache.policy();
    boolean original = positions.equals("original");
    Settings settings =
        new Settings(
            policy.cacheTokens(),
            cache.sinks(),
            policy.exact(),
            policy.retained(),
            cache.observation().window(),
            cache.observation().kernel(),
            original,
            1,
            prefill.selects() ? prefill.tspRate() : 1,
            prefill.retentionRate());
    SequenceOptions sequenceOptions =
        new SequenceOptions(
            policy,
            prefill.selects() ? new FastKv(prefill, cache.sinks()) : null,
            cache.observation(),
            original ? Positions.ORIGINAL : Positions.CACHE,
            length + QUESTION,
            probeTokens,
            /* scored= */ true);
    try (Checkpoint checkpoint = Checkpoint.open(folder);
        Device device = Devices.open("cpu", 2);
        Decoder decoder = Decoder.load(checkpoint, device, PASS, PASS);
        Sequence sequence = new Sequence(decoder, sequenceOptions)) {
      ReferenceReader reference = new ReferenceReader(checkpoint, settings);
      for (int first = 0, end; first < length; first = end) {
        assertThat(sequence.room()).isEqualTo(reference.room());
        end = (int) Math.min(length, (long) first + sequence.room());
        int[] block = Arrays.copyOfRange(document, first, end);
        double[] last = reference.read(block, probe);
        Alone.read(decoder, sequence, block, probe, /* logits= */ probeTokens == 0);
        if (probeTokens == 0) {
          check("token " + (end - 1), decoder.logits(0), last);
        }
        for (int layer = 0; layer < 3; layer++) {
          assertThat(sequence.length(layer))
              .as("layer %s", layer)
              .isEqualTo(reference.length(layer));
        }
      }
      // The question meets what the document left, and has room made for it where it must.
      for (int first = 0, end; first < QUESTION; first = end) {
        end = (int) Math.min(QUESTION, (long) first + sequence.room());
        double[][] expected = reference.forward(Arrays.copyOfRange(question, first, end));
        int[] rows = new int[end - first];
        Arrays.setAll(rows, i -> i);
        Alone.forward(decoder, sequence, Arrays.copyOfRange(question, first, end), rows);
        for (int i = 0; i < rows.length; i++) {
          check("question " + (first + i), decoder.logits(i), expected[i]);
        }
      }
    }
  }

  /**
   * Where nothing is chosen, scoring changes no bit: a hybrid without a bank is freqkv, and without
   * what compression leaves as well, streaming.
   */
  @Test
  void aHybridWithoutABankIsItsNeighbours() {
    TinyCheckpoints.write(folder, "llama", Map.of(), DType.F32, 7);
    int[] document = new Random(5).ints(DOCUMENT, 0, 96).toArray();
    CacheOptions hybrid = CacheOptions.of("hybrid", 48);
    equal(hybrid.with("recent", 0).with("exact-share", 0), CacheOptions.of("freqkv", 48), document);
    equal(
        hybrid.with("retained-ratio", 0).with("recent", 20).with("exact-share", 0),
        CacheOptions.of("streaming", 48)
            .with("retained-ratio", 0)
            .with("recent", 20)
            .with("exact-share", 0),
        document);
    equal(CacheOptions.FULL, CacheOptions.FULL, document);
  }

  private void equal(CacheOptions scored, CacheOptions plain, int[] document) {
    PrefillOptions all = tsp(1, scored.bounded() ? 0 : 1);
    CachePolicy policy = scored.resolve(256, false).policy();
    SequenceOptions options =
        new SequenceOptions(
            policy,
            new FastKv(all, 4),
            Observation.DEFAULT,
            Positions.CACHE,
            DOCUMENT + 1,
            3,
            /* scored= */ true);
    try (Checkpoint checkpoint = Checkpoint.open(folder);
        Device device = Devices.open("cpu", 2);
        Decoder decoder = Decoder.load(checkpoint, device, PASS, 1);
        Sequence one = new Sequence(decoder, options);
        Sequence other =
            new Sequence(
                decoder,
                SequenceOptions.unscored(plain.resolve(256, false).policy(), DOCUMENT + 1))) {
      for (int first = 0, end; first < DOCUMENT; first = end) {
        assertThat(one.room()).isEqualTo(other.room());
        end = (int) Math.min(DOCUMENT, (long) first + one.room());
        int[] block = Arrays.copyOfRange(document, first, end);
        Alone.read(decoder, one, block, new int[] {1, 2, 3}, /* logits= */ false);
        Alone.forward(decoder, other, block);
      }
      Alone.forward(decoder, one, new int[] {7}, 0);
      float[] logits = decoder.logits(0);
      Alone.forward(decoder, other, new int[] {7}, 0);
      assertThat(logits).isEqualTo(decoder.logits(0));
    }
  }

  private static void check(String what, float[] logits, double[] expected) {
    double scale = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    for (int v = 0; v < expected.length; v++) {
      assertThat(Math.abs(logits[v] - expected[v]))
          .as("%s, logit %d: %s against %s", what, v, logits[v], expected[v])
          .isLessThan(RELATIVE * scale);
    }
  }
}
