package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CachePlan.Keep;
import dev.lowpass.kernels.CachePlan.LowPass;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Rope;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Plans on a cache of random entries against the operator's closed form in float64. */
class CompressionTest {
  private static final double TOLERANCE = 2e-6;

  private static final int HEADS = 2;
  private static final int HEAD_DIM = 20;
  private static final double[] FREQUENCIES = CacheFixture.frequencies(HEAD_DIM);

  static Stream<CachePlan> plans() {
    return Stream.of(
        CachePlan.of(8, new LowPass(0, 8, 4)),
        CachePlan.of(256, new Keep(0, 4), new LowPass(4, 256, 126)),
        CachePlan.of(260, new Keep(0, 4), new LowPass(4, 260, 128)),
        CachePlan.of(131, new Keep(0, 3), new LowPass(3, 100, 13), new Keep(100, 131)),
        CachePlan.of(90, new Keep(0, 5), new LowPass(5, 78, 1), new Keep(78, 90)),
        CachePlan.of(90, new Keep(0, 5), new LowPass(5, 78, 0), new Keep(78, 90)),
        CachePlan.of(300, new Keep(0, 4), new Keep(200, 300)),
        CachePlan.of(71, new LowPass(0, 2, 1), new Keep(2, 3), new LowPass(3, 71, 67)),
        CachePlan.of(200, new LowPass(0, 199, 101)),
        CachePlan.of(70, new Keep(0, 70)),
        CachePlan.of(70));
  }

  @ParameterizedTest
  @MethodSource("plans")
  void everyHeadAndLayerIsThePlans(CachePlan plan) {
    float[] keys = new Fixture(1).floats(HEADS * plan.length() * HEAD_DIM);
    float[] values = new Fixture(2).floats(keys.length);
    for (double factor : new double[] {1, 1.3}) {
      try (Device device = CpuDevice.open(2);
          KvCache cache = cache(device, plan.length())) {
        Rope rope = device.rope(FREQUENCIES, factor);
        CacheFixture.append(device, cache, HEADS, rope, keys, values);
        applyAll(device, cache, plan, rope);
        for (int layer = 0; layer < 2; layer++) {
          assertThat(cache.length(layer)).isEqualTo(plan.result());
          for (int head = 0; head < HEADS; head++) {
            double[] key = CacheFixture.unrotated(device, cache, layer, head, FREQUENCIES);
            check(key, expected(plan, keys, head), factor);
            float[] value = device.readValues(cache, layer, head);
            check(toDoubles(value), expected(plan, values, head), 1);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("plans")
  void whatStaysInItsPlaceKeepsItsBits(CachePlan plan) {
    try (Device device = CpuDevice.open(2);
        KvCache cache = cache(device, plan.length())) {
      Rope rope = device.rope(FREQUENCIES, 1);
      fill(device, cache, rope, plan.length(), 3);
      float[] keys = device.readKeys(cache, 1, 1);
      float[] values = device.readValues(cache, 1, 1);
      applyAll(device, cache, plan, rope);
      int still = 0;
      if (!plan.segments().isEmpty() && plan.segments().get(0) instanceof Keep keep) {
        still = keep.to() * HEAD_DIM;
      }
      assertThat(Arrays.copyOf(device.readKeys(cache, 1, 1), still))
          .isEqualTo(Arrays.copyOf(keys, still));
      assertThat(Arrays.copyOf(device.readValues(cache, 1, 1), still))
          .isEqualTo(Arrays.copyOf(values, still));
    }
  }

  @ParameterizedTest
  @MethodSource("plans")
  void bitsDoNotDependOnThreads(CachePlan plan) {
    float[] expected = null;
    for (int threads = 1; threads <= 3; threads++) {
      try (Device device = CpuDevice.open(threads);
          KvCache cache = cache(device, plan.length() + 9)) {
        Rope rope = device.rope(FREQUENCIES, 1);
        fill(device, cache, rope, plan.length(), 3);
        applyAll(device, cache, plan, rope);
        float[] keys = device.readKeys(cache, 0, 1);
        assertThat(keys).isEqualTo(expected == null ? keys : expected);
        expected = keys;
      }
    }
  }

  @Test
  void aConstantStays() {
    for (int[] size : new int[][] {{8, 4}, {101, 50}, {252, 126}, {1020, 510}, {4092, 2046}}) {
      double[] samples = new double[size[0]];
      Arrays.fill(samples, 2.5);
      new Dct().filter(size[0], size[1]).run(samples, 0, new double[size[0]]);
      for (int i = 0; i < size[1]; i++) {
        assertThat(samples[i]).isCloseTo(2.5, within(1e-12));
      }
    }
  }

  @Test
  void isLinear() {
    int size = 99;
    double[] one = toDoubles(new Fixture(1).floats(size));
    double[] other = toDoubles(new Fixture(2).floats(size));
    double[] sum = new double[size];
    for (int i = 0; i < size; i++) {
      sum[i] = 3 * one[i] - other[i];
    }
    Dct.Filter filter = new Dct().filter(size, 40);
    filter.run(one, 0, new double[size]);
    filter.run(other, 0, new double[size]);
    filter.run(sum, 0, new double[size]);
    for (int i = 0; i < 40; i++) {
      assertThat(sum[i]).isCloseTo(3 * one[i] - other[i], within(1e-12));
    }
  }

  /** {@code M M^T = (L / M) I}: what is left of two entries' filters does not overlap. */
  @Test
  void rowsAreOrthogonal() {
    for (int[] size : new int[][] {{16, 8}, {15, 7}, {62, 31}, {40, 39}}) {
      double[][] columns = new double[size[0]][];
      for (int j = 0; j < size[0]; j++) {
        columns[j] = new double[size[0]];
        columns[j][j] = 1;
        new Dct().filter(size[0], size[1]).run(columns[j], 0, new double[size[0]]);
      }
      for (int i = 0; i < size[1]; i++) {
        for (int k = 0; k < size[1]; k++) {
          double product = 0;
          for (int j = 0; j < size[0]; j++) {
            product += columns[j][i] * columns[j][k];
          }
          double expected = i == k ? (double) size[1] / size[0] : 0;
          assertThat(product).isCloseTo(expected, within(1e-12));
        }
      }
    }
  }

  @Test
  void aBranchLeavesItsOriginAlone() {
    try (Device device = CpuDevice.open(2);
        KvCache cache = cache(device, 100);
        KvCache branch = cache(device, 170)) {
      Rope rope = device.rope(FREQUENCIES, 1);
      fill(device, cache, rope, 77, 4);
      fill(device, branch, rope, 160, 5);
      float[] keys = device.readKeys(cache, 1, 1);
      float[] values = device.readValues(cache, 1, 1);
      device.copy(branch, cache);
      assertThat(branch.length(0)).isEqualTo(77);
      assertThat(device.readKeys(branch, 1, 1)).isEqualTo(keys);
      assertThat(device.readValues(branch, 1, 1)).isEqualTo(values);
      applyAll(device, branch, CachePlan.of(77, new LowPass(0, 77, 5)), rope);
      fill(device, branch, rope, 20, 6);
      assertThat(cache.length(0)).isEqualTo(77);
      assertThat(device.readKeys(cache, 1, 1)).isEqualTo(keys);
      assertThat(device.readValues(cache, 1, 1)).isEqualTo(values);
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    assertThatThrownBy(() -> new LowPass(0, 4, 4)).hasMessageContaining("fewer");
    assertThatThrownBy(() -> CachePlan.of(9, new Keep(0, 4), new Keep(3, 9)))
        .hasMessageContaining("apart");
    assertThatThrownBy(() -> CachePlan.of(9, new Keep(0, 10))).hasMessageContaining("before 10");
    try (Device device = CpuDevice.open(1);
        KvCache cache = cache(device, 30);
        KvCache small = cache(device, 19)) {
      Rope rope = device.rope(FREQUENCIES, 1);
      fill(device, cache, rope, 20, 4);
      assertThatThrownBy(() -> device.apply(cache, 0, CachePlan.of(21, new Keep(0, 9)), rope, null))
          .hasMessageContaining("a plan for 21 entries, layer 0 holds 20");
      assertThatThrownBy(() -> device.copy(small, cache)).hasMessageContaining("room for 19");
      assertThatThrownBy(() -> device.copy(cache, cache)).hasMessageContaining("are one");
    }
  }

  private static void applyAll(Device device, KvCache cache, CachePlan plan, Rope rope) {
    device.apply(cache, 0, plan, rope, null);
    device.apply(cache, 1, plan, rope, null);
  }

  private static KvCache cache(Device device, int capacity) {
    return device.kvCache(2, HEADS, HEAD_DIM, capacity, Positions.CACHE);
  }

  private static void fill(Device device, KvCache cache, Rope rope, int entries, int seed) {
    float[] keys = new Fixture(seed).floats(HEADS * entries * HEAD_DIM);
    float[] values = new Fixture(seed + 100).floats(HEADS * entries * HEAD_DIM);
    CacheFixture.append(device, cache, HEADS, rope, keys, values);
  }

  /** {@code [result, headDim]} of one head of {@code [heads, length, headDim]}. */
  private static double[] expected(CachePlan plan, float[] data, int head) {
    double[] out = new double[plan.result() * HEAD_DIM];
    int to = 0;
    for (CachePlan.Segment segment : plan.segments()) {
      int size = segment.to() - segment.from();
      double[][] matrix =
          segment instanceof LowPass ? LowPassMatrix.of(size, segment.length()) : null;
      for (int i = 0; i < segment.length(); i++) {
        for (int j = 0; j < size; j++) {
          double weight = matrix != null ? matrix[i][j] : i == j ? 1 : 0;
          for (int c = 0; c < HEAD_DIM; c++) {
            int from = (head * plan.length() + segment.from() + j) * HEAD_DIM + c;
            out[(to + i) * HEAD_DIM + c] += weight * data[from];
          }
        }
      }
      to += segment.length();
    }
    return out;
  }

  private static double[] toDoubles(float[] floats) {
    double[] doubles = new double[floats.length];
    for (int i = 0; i < floats.length; i++) {
      doubles[i] = floats[i];
    }
    return doubles;
  }

  private static void check(double[] actual, double[] expected, double factor) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i]).as("element %s", i).isCloseTo(factor * expected[i], within(TOLERANCE));
    }
  }
}
