package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AttentionTest {
  private static final int ALL = Integer.MAX_VALUE;

  static Stream<Kernels> kernels() {
    return Fixture.KERNELS.stream();
  }

  /** One layer's attention over a sequence, its prompt cut into the given chunks. */
  private record Case(int kvHeads, int group, int headDim, int tokens, int window) {
    float[] queries() {
      return new Fixture(1).floats(tokens * kvHeads * group * headDim);
    }

    float[] keys() {
      return new Fixture(2).floats(tokens * kvHeads * headDim);
    }

    float[] values() {
      return new Fixture(3).floats(tokens * kvHeads * headDim);
    }

    float scale() {
      return (float) (1 / Math.sqrt(headDim));
    }

    float[] run(Device device, int chunk) {
      float[] q = queries();
      float[] k = keys();
      float[] v = values();
      int heads = kvHeads * group;
      float[] out = new float[tokens * heads * headDim];
      try (KvCache cache = device.kvCache(2, kvHeads, headDim, tokens, Positions.CACHE)) {
        for (int first = 0; first < tokens; first += chunk) {
          int rows = Math.min(chunk, tokens - first);
          Tensor result = device.tensor(rows, heads * headDim);
          List<Span> spans = List.of(new Span(cache, 0, rows));
          device.append(
              spans,
              1,
              slice(device, k, first, rows, kvHeads * headDim),
              slice(device, v, first, rows, kvHeads * headDim),
              Fixture.positions(device, first, rows));
          device.attention(
              result,
              slice(device, q, first, rows, heads * headDim),
              spans,
              1,
              scale(),
              window,
              null);
          float[] part = Fixture.all(device, result);
          System.arraycopy(part, 0, out, first * heads * headDim, part.length);
        }
      }
      return out;
    }

    double[] reference() {
      int heads = kvHeads * group;
      float[] q = queries();
      float[] k = keys();
      float[] v = values();
      double[] out = new double[q.length];
      for (int t = 0; t < tokens; t++) {
        for (int h = 0; h < heads; h++) {
          int at = (t * heads + h) * headDim;
          int begin = (int) Math.max(0, t + 1L - window);
          double[] weights = new double[t + 1];
          double sum = 0;
          for (int j = begin; j <= t; j++) {
            double score = 0;
            for (int d = 0; d < headDim; d++) {
              score += (double) q[at + d] * k[(j * kvHeads + h / group) * headDim + d];
            }
            weights[j] = Math.exp(score * scale());
            sum += weights[j];
          }
          for (int j = begin; j <= t; j++) {
            for (int d = 0; d < headDim; d++) {
              out[at + d] += weights[j] / sum * v[(j * kvHeads + h / group) * headDim + d];
            }
          }
        }
      }
      return out;
    }
  }

  private static Tensor slice(Device device, float[] data, int row, int rows, int columns) {
    return Fixture.tensor(
        device, rows, columns, Arrays.copyOfRange(data, row * columns, (row + rows) * columns));
  }

  private static final List<Case> CASES =
      List.of(
          new Case(1, 1, 2, 1, ALL),
          new Case(1, 1, 64, 130, ALL),
          new Case(2, 2, 13, 65, ALL),
          new Case(3, 3, 64, 129, ALL),
          new Case(1, 4, 24, 200, ALL),
          new Case(1, 5, 16, 70, 1),
          new Case(2, 6, 8, 150, 7),
          new Case(1, 7, 128, 90, 64),
          new Case(1, 8, 32, 300, 100),
          new Case(2, 1, 20, 260, 65),
          // More than two segments of a cache.
          new Case(1, 3, 16, 1100, ALL),
          new Case(2, 1, 8, 1200, 600));

  @ParameterizedTest
  @MethodSource("kernels")
  void matchesDoubleArithmetic(Kernels kernels) {
    try (Device device = new CpuDevice(kernels, 2)) {
      for (Case test : CASES) {
        double[] expected = test.reference();
        float[] actual = test.run(device, test.tokens);
        for (int i = 0; i < expected.length; i++) {
          assertThat((double) actual[i])
              .as("%s, element %s", test, i)
              .isCloseTo(expected[i], within(3e-6));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void aTokensBitsDependOnNeitherChunksNorThreads(Kernels kernels) {
    for (Case test : CASES) {
      float[] expected = null;
      for (int threads = 1; threads <= 3; threads++) {
        try (Device device = new CpuDevice(kernels, threads)) {
          for (int chunk : new int[] {test.tokens, 100, 64, 7, 1}) {
            float[] actual = test.run(device, chunk);
            if (expected == null) {
              expected = actual;
            }
            assertThat(actual)
                .as("%s in chunks of %s on %s threads", test, chunk, threads)
                .isEqualTo(expected);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void aSpansBitsDoNotDependOnItsBatch(Kernels kernels) {
    Case one = new Case(2, 3, 16, 90, ALL);
    try (Device device = new CpuDevice(kernels, 2)) {
      float[] expected = one.run(device, 90);
      // The same sequence's last 5 rows, between two others' in one batch.
      KvCache[] caches = new KvCache[3];
      for (int i = 0; i < 3; i++) {
        caches[i] = device.kvCache(1, 2, 16, 100, Positions.CACHE);
      }
      device.append(
          List.of(new Span(caches[1], 0, 85)),
          0,
          slice(device, one.keys(), 0, 85, 32),
          slice(device, one.values(), 0, 85, 32),
          Fixture.positions(device, 0, 85));
      List<Span> batch =
          List.of(new Span(caches[2], 0, 4), new Span(caches[1], 4, 5), new Span(caches[0], 9, 11));
      float[] q = new Fixture(7).floats(20 * 96);
      float[] k = new Fixture(8).floats(20 * 32);
      float[] v = new Fixture(9).floats(20 * 32);
      System.arraycopy(one.queries(), 85 * 96, q, 4 * 96, 5 * 96);
      System.arraycopy(one.keys(), 85 * 32, k, 4 * 32, 5 * 32);
      System.arraycopy(one.values(), 85 * 32, v, 4 * 32, 5 * 32);
      device.append(
          batch,
          0,
          slice(device, k, 0, 20, 32),
          slice(device, v, 0, 20, 32),
          Fixture.positions(device, 0, 20));
      Tensor out = device.tensor(20, 96);
      device.attention(out, slice(device, q, 0, 20, 96), batch, 0, one.scale(), ALL, null);
      assertThat(Arrays.copyOfRange(Fixture.all(device, out), 4 * 96, 9 * 96))
          .isEqualTo(Arrays.copyOfRange(expected, 85 * 96, 90 * 96));
    }
  }

  /** What a row may not see cannot reach it, not even as 0 times infinity. */
  @ParameterizedTest
  @MethodSource("kernels")
  void anInfiniteEntryLeavesEarlierRowsAlone(Kernels kernels) {
    try (Device device = new CpuDevice(kernels, 1)) {
      KvCache cache = device.kvCache(1, 1, 8, 64, Positions.CACHE);
      float[] values = new Fixture(1).floats(10 * 8);
      Arrays.fill(values, 9 * 8, 10 * 8, Float.POSITIVE_INFINITY);
      float[] keys = new Fixture(2).floats(10 * 8);
      Arrays.fill(keys, 9 * 8, 10 * 8, Float.NaN);
      List<Span> spans = List.of(new Span(cache, 0, 10));
      device.append(
          spans,
          0,
          slice(device, keys, 0, 10, 8),
          slice(device, values, 0, 10, 8),
          Fixture.positions(device, 0, 10));
      Tensor out = device.tensor(10, 8);
      device.attention(
          out, slice(device, new Fixture(3).floats(80), 0, 10, 8), spans, 0, 1, ALL, null);
      for (int row = 0; row < 9; row++) {
        for (float value : device.read(out, row)) {
          assertThat(value).isFinite();
        }
      }
      assertThat(device.read(out, 9)).containsOnly(Float.NaN);
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void truncationGoesBackToASharedPrefix(Kernels kernels) {
    Case test = new Case(1, 2, 16, 100, ALL);
    try (Device device = new CpuDevice(kernels, 2)) {
      float[] expected = test.run(device, 100);
      KvCache cache = device.kvCache(1, 1, 16, 120, Positions.CACHE);
      device.append(
          List.of(new Span(cache, 0, 70)),
          0,
          slice(device, test.keys(), 0, 70, 16),
          slice(device, test.values(), 0, 70, 16),
          Fixture.positions(device, 0, 70));
      List<Span> other = List.of(new Span(cache, 0, 50));
      Tensor noise = slice(device, new Fixture(9).floats(50 * 16), 0, 50, 16);
      device.append(other, 0, noise, noise, Fixture.positions(device, 70, 50));
      assertThat(cache.length(0)).isEqualTo(120);
      cache.truncate(70);
      List<Span> spans = List.of(new Span(cache, 0, 30));
      device.append(
          spans,
          0,
          slice(device, test.keys(), 70, 30, 16),
          slice(device, test.values(), 70, 30, 16),
          Fixture.positions(device, 70, 30));
      Tensor out = device.tensor(30, 32);
      device.attention(
          out, slice(device, test.queries(), 70, 30, 32), spans, 0, test.scale(), ALL, null);
      assertThat(Fixture.all(device, out)).isEqualTo(Arrays.copyOfRange(expected, 70 * 32, 3200));
    }
  }
}
