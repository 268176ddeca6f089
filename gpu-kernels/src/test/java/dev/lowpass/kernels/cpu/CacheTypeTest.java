package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CachePlan.Best;
import dev.lowpass.kernels.CachePlan.Keep;
import dev.lowpass.kernels.CachePlan.LowPass;
import dev.lowpass.kernels.CachePlan.Rest;
import dev.lowpass.kernels.CacheType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Floats;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Pooling;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Caches that do not store what they were given, but the nearest that they can. */
class CacheTypeTest {
  private static final int HEADS = 2;
  private static final int GROUP = 3;
  private static final int HEAD_DIM = 20;
  private static final int ENTRIES = 700;
  private static final int COLUMNS = HEADS * HEAD_DIM;
  private static final double[] FREQUENCIES = CacheFixture.frequencies(HEAD_DIM);

  static Stream<Arguments> devices() {
    return Fixture.KERNELS.stream()
        .flatMap(
            kernels ->
                Stream.of(CacheType.F16, CacheType.INT8).map(type -> Arguments.of(kernels, type)));
  }

  /** Of all finite halves the nearest, of two the even one: against all of them. */
  @Test
  void halvesAreTheNearest() {
    short[] bits = new short[0x7c00];
    float[] halves = new float[bits.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = (short) i;
      halves[i] = Floats.fromF16(bits[i]);
    }
    Random random = new Random(1);
    for (int i = 0; i < 20_000; i++) {
      int below = random.nextInt(halves.length - 1);
      double middle = ((double) halves[below] + halves[below + 1]) / 2;
      assertThat(Floats.toF16(halves[below])).isEqualTo(bits[below]);
      // Exact in float32, which has thirteen more bits.
      assertThat(Floats.toF16((float) middle)).isEqualTo(bits[below + below % 2]);
      assertThat(Floats.toF16(Math.nextUp((float) middle))).isEqualTo(bits[below + 1]);
      assertThat(Floats.toF16(-Math.nextDown((float) middle)))
          .isEqualTo((short) (bits[below] | 0x8000));
    }
    assertThat(Floats.fromF16(Floats.toF16(1e9f))).isEqualTo(65504);
    assertThat(Floats.fromF16(Floats.toF16(Float.NEGATIVE_INFINITY))).isEqualTo(-65504);
    assertThat(Floats.fromF16(Floats.toF16(Float.NaN))).isNaN();
    assertThat(Float.floatToRawIntBits(Floats.fromF16(Floats.toF16(-0f)))).isEqualTo(1 << 31);
  }

  @ParameterizedTest
  @MethodSource("devices")
  void entriesAreTheNearestThatATypeHas(Kernels kernels, CacheType type) {
    try (Device device = new CpuDevice(kernels, 2);
        KvCache cache = filled(device, type, Positions.CACHE);
        KvCache exact = filled(device, CacheType.F32, Positions.CACHE)) {
      for (int head = 0; head < HEADS; head++) {
        checkNearest(type, device.readKeys(cache, 0, head), device.readKeys(exact, 0, head));
        checkNearest(type, device.readValues(cache, 0, head), device.readValues(exact, 0, head));
      }
    }
  }

  private static void checkNearest(CacheType type, float[] stored, float[] exact) {
    for (int entry = 0; entry < ENTRIES; entry++) {
      double largest = 0;
      for (int d = 0; d < HEAD_DIM; d++) {
        largest = Math.max(largest, Math.abs(exact[entry * HEAD_DIM + d]));
      }
      for (int d = 0; d < HEAD_DIM; d++) {
        int i = entry * HEAD_DIM + d;
        // Half of a unit: of the half's last place, or of the entry's scale.
        double error =
            type == CacheType.F16 ? Math.abs(exact[i]) * 0x1p-11 + 0x1p-25 : largest / 253;
        assertThat((double) stored[i]).isCloseTo(exact[i], within(error));
      }
    }
  }

  /** What an operation reads is what the cache holds: as if a float32 cache had been given that. */
  @ParameterizedTest
  @MethodSource("devices")
  void attentionAndObservationReadWhatIsStored(Kernels kernels, CacheType type) {
    try (Device device = new CpuDevice(kernels, 2);
        KvCache cache = filled(device, type, Positions.CACHE);
        KvCache same = holding(device, cache)) {
      assertThat(attended(device, cache)).isDeepEqualTo(attended(device, same));
    }
  }

  /** Attention of the last nine entries, their log-sums, and the scores of the others. */
  private static float[][] attended(Device device, KvCache cache) {
    int rows = 9;
    Span span = new Span(cache, 0, rows);
    float[] data = new Fixture(7).floats(rows * GROUP * COLUMNS);
    Tensor queries = Fixture.tensor(device, rows, GROUP * COLUMNS, data);
    Tensor out = device.tensor(rows, GROUP * COLUMNS);
    Tensor sums = device.tensor(rows, GROUP * HEADS);
    device.attention(out, queries, List.of(span), 0, 0.3f, 650, sums);
    Tensor scores = device.tensor(HEADS, ENTRIES);
    Pooling pooling = new Pooling(Pooling.Kind.MAX, 3);
    device.observe(scores, queries, sums, span, rows, 0, 0.3f, 650, 10, ENTRIES - rows, pooling);
    return new float[][] {
      Fixture.all(device, out), Fixture.all(device, sums), Fixture.all(device, scores)
    };
  }

  /** What moves keeps its bits where positions do not change; what is filtered is the nearest. */
  @ParameterizedTest
  @MethodSource("devices")
  void plansRoundOnce(Kernels kernels, CacheType type) {
    CachePlan plan =
        CachePlan.of(
            ENTRIES,
            new Keep(0, 5),
            new LowPass(5, 205, 90),
            new Rest(205, 500, 200),
            new Best(205, 500, 200),
            new Keep(500, ENTRIES));
    for (Positions positions : Positions.values()) {
      try (Device device = new CpuDevice(kernels, 2);
          KvCache cache = filled(device, type, positions);
          KvCache exact = holding(device, cache)) {
        Rope rope = device.rope(FREQUENCIES, 1);
        Tensor scores =
            Fixture.tensor(device, HEADS, ENTRIES, new Fixture(3).floats(HEADS * ENTRIES));
        float[] before = device.readKeys(cache, 0, 1);
        device.apply(cache, 0, plan, rope, scores);
        device.apply(exact, 0, plan, rope, scores);
        for (int head = 0; head < HEADS; head++) {
          float[] keys = device.readKeys(cache, 0, head);
          float[] values = device.readValues(cache, 0, head);
          checkRounded(type, keys, device.readKeys(exact, 0, head));
          checkRounded(type, values, device.readValues(exact, 0, head));
        }
        // Untouched, and moved without a turn.
        float[] after = device.readKeys(cache, 0, 1);
        assertThat(Arrays.copyOf(after, 5 * HEAD_DIM))
            .isEqualTo(Arrays.copyOf(before, 5 * HEAD_DIM));
        if (positions == Positions.ORIGINAL) {
          int moved = (ENTRIES - 500) * HEAD_DIM;
          assertThat(Arrays.copyOfRange(after, after.length - moved, after.length))
              .isEqualTo(Arrays.copyOfRange(before, 500 * HEAD_DIM, before.length));
          assertThat(CacheFixture.positions(cache, 0, 1))
              .isEqualTo(CacheFixture.positions(exact, 0, 1));
        }
        assertThat(device.energy(cache, 0)).isEqualTo(device.energy(exact, 0));
      }
    }
  }

  private static void checkRounded(CacheType type, float[] stored, float[] exact) {
    assertThat(stored).hasSameSizeAs(exact);
    for (int i = 0; i < stored.length; i++) {
      double error = type == CacheType.F16 ? 3e-3 : 2e-2;
      assertThat((double) stored[i]).isCloseTo(exact[i], within(error));
    }
  }

  @ParameterizedTest
  @MethodSource("devices")
  void copiesAndSpectraAreThoseOfWhatIsStored(Kernels kernels, CacheType type) {
    try (Device device = new CpuDevice(kernels, 2);
        KvCache cache = filled(device, type, Positions.CACHE);
        KvCache same = holding(device, cache);
        KvCache copy = device.kvCache(1, HEADS, HEAD_DIM, ENTRIES + 99, Positions.CACHE, type)) {
      Rope rope = device.rope(FREQUENCIES, 1);
      device.copy(copy, cache);
      assertThat(attended(device, copy)).isDeepEqualTo(attended(device, cache));
      assertThat(device.spectrum(copy, 0, rope, 70, 300))
          .isDeepEqualTo(device.spectrum(same, 0, rope, 70, 300));
    }
  }

  @Test
  void aNumberThatIsNoneStaysNone() {
    try (Device device = new CpuDevice(new VectorKernels(), 1)) {
      for (CacheType type : CacheType.values()) {
        KvCache cache = device.kvCache(1, 1, 16, 64, Positions.CACHE, type);
        Tensor rows = Fixture.tensor(device, 1, 16, 1, 2, Float.NaN, 4);
        device.append(List.of(new Span(cache, 0, 1)), 0, rows, rows, device.tensor(1, 1));
        assertThat(device.readKeys(cache, 0, 0)[2]).isNaN();
        assertThat(device.readValues(cache, 0, 0)[2]).isNaN();
      }
    }
  }

  /** 64 entries of 3 heads of 64 channels, keys and values: exactly what {@code bytes} says. */
  @Test
  void memoryIsTheTypes() {
    try (Device device = new CpuDevice(new VectorKernels(), 1)) {
      for (CacheType type : CacheType.values()) {
        long bytes = device.kvCache(5, 3, 64, 64, Positions.CACHE, type).bytes();
        assertThat(bytes).isEqualTo(2L * 5 * 3 * 64 * type.bytes(64));
      }
      assertThat(CacheType.INT8.bytes(64)).isEqualTo(68);
    }
  }

  private static KvCache filled(Device device, CacheType type, Positions positions) {
    KvCache cache = device.kvCache(1, HEADS, HEAD_DIM, ENTRIES, positions, type);
    float[] keys = new Fixture(1).floats(ENTRIES * COLUMNS);
    float[] values = new Fixture(2).floats(ENTRIES * COLUMNS);
    append(device, cache, keys, values);
    return cache;
  }

  /** A float32 cache of what another holds. */
  private static KvCache holding(Device device, KvCache cache) {
    boolean original = ((CpuKvCache) cache).hasPositions();
    Positions positions = original ? Positions.ORIGINAL : Positions.CACHE;
    KvCache same = device.kvCache(1, HEADS, HEAD_DIM, ENTRIES, positions, CacheType.F32);
    List<float[]> stored = new ArrayList<>();
    for (int side = 0; side < 2; side++) {
      float[] rows = new float[ENTRIES * COLUMNS];
      for (int head = 0; head < HEADS; head++) {
        float[] of =
            side == 0 ? device.readKeys(cache, 0, head) : device.readValues(cache, 0, head);
        for (int i = 0; i < of.length; i++) {
          rows[(i / HEAD_DIM * HEADS + head) * HEAD_DIM + i % HEAD_DIM] = of[i];
        }
      }
      stored.add(rows);
    }
    append(device, same, stored.get(0), stored.get(1));
    return same;
  }

  private static void append(Device device, KvCache cache, float[] keys, float[] values) {
    device.append(
        List.of(new Span(cache, 0, ENTRIES)),
        0,
        Fixture.tensor(device, ENTRIES, COLUMNS, keys),
        Fixture.tensor(device, ENTRIES, COLUMNS, values),
        Fixture.positions(device, 0, ENTRIES));
  }
}
