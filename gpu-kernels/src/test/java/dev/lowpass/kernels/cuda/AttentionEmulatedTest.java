package dev.lowpass.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AttentionEmulatedTest {
  private static final int ALL = Integer.MAX_VALUE;

  /**
   * One layer's attention over a sequence.
   *
   * @param rows those of the last batch, whose result is looked at; the others are only appended
   */
  private record Case(int kvHeads, int group, int headDim, int tokens, int rows, int window) {
    float scale() {
      return (float) (1 / Math.sqrt(headDim));
    }
  }

  private static final List<Case> CASES =
      List.of(
          new Case(1, 1, 32, 1, 1, ALL),
          new Case(1, 1, 64, 130, 130, ALL),
          new Case(2, 2, 8, 65, 65, ALL),
          new Case(3, 3, 64, 90, 20, ALL),
          new Case(1, 4, 80, 100, 70, 30),
          new Case(1, 5, 96, 70, 70, 1),
          new Case(2, 6, 24, 150, 31, 7),
          new Case(1, 7, 128, 190, 1, ALL),
          new Case(1, 8, 32, 1100, 40, ALL),
          new Case(1, 8, 128, 2100, 2, ALL),
          new Case(2, 2, 64, 1030, 1, 1026));

  private static float[] run(Device device, Case test, float[][] qkv, int firstChunk) {
    int kvColumns = test.kvHeads * test.headDim;
    int heads = test.kvHeads * test.group;
    try (KvCache cache =
        device.kvCache(2, test.kvHeads, test.headDim, test.tokens + 3, Positions.CACHE)) {
      int before = test.tokens - test.rows;
      int[] ends = {Math.min(firstChunk, before), before, test.tokens};
      int first = 0;
      for (int end : ends) {
        if (end > first) {
          Tensor keys = slice(device, qkv[1], first, end, kvColumns);
          Tensor values = slice(device, qkv[2], first, end, kvColumns);
          Tensor positions = device.tensor(end - first, 1);
          device.append(List.of(new Span(cache, 0, end - first)), 1, keys, values, positions);
        }
        first = end;
      }
      Tensor queries = slice(device, qkv[0], before, test.tokens, kvColumns * test.group);
      Tensor out = device.tensor(test.rows, kvColumns * test.group);
      Tensor logSums = device.tensor(test.rows, heads);
      List<Span> spans = List.of(new Span(cache, 0, test.rows));
      device.attention(out, queries, spans, 1, test.scale(), test.window, logSums);
      float[] result = Twin.all(device, out, logSums);
      device.attention(out, queries, spans, 1, test.scale(), test.window, null);
      assertThat(Twin.all(device, out))
          .isEqualTo(Arrays.copyOf(result, test.rows * kvColumns * test.group));
      return result;
    }
  }

  private static Tensor slice(Device device, float[] data, int from, int to, int columns) {
    return Twin.tensor(
        device, to - from, columns, Arrays.copyOfRange(data, from * columns, to * columns));
  }

  private static float[][] random(Twin twin, Case test) {
    int kv = test.tokens * test.kvHeads * test.headDim;
    return new float[][] {twin.floats(kv * test.group), twin.floats(kv), twin.floats(kv)};
  }

  /** Queries, keys and values are exact in all types: probabilities are rounded, and sums. */
  @ParameterizedTest
  @EnumSource(DType.class)
  void matchesTheCpu(DType storage) {
    try (Twin twin = new Twin(storage, 1)) {
      for (Case test : CASES) {
        float[][] qkv = random(twin, test);
        twin.run(device -> run(device, test, qkv, 50)).areWithin(2 * twin.rounding() + 1e-5);
      }
    }
  }

  /** Rows that come in another batch, or of which there are more, and other sequences' beside. */
  @ParameterizedTest
  @EnumSource(DType.class)
  void aRowsBitsDoNotDependOnItsBatch(DType storage) {
    Case many = new Case(2, 3, 64, 1100, 60, ALL);
    try (Twin twin = new Twin(storage, 2)) {
      CudaDevice device = twin.cuda();
      float[][] qkv = random(twin, many);
      float[] expected = run(device, many, qkv, 64);
      for (int rows : new int[] {30, 1}) {
        Case fewer = new Case(2, 3, 64, 1100, rows, ALL);
        float[] actual = run(device, fewer, qkv, 500);
        assertThat(Arrays.copyOf(actual, rows * 384))
            .as("%s rows", rows)
            .isEqualTo(Arrays.copyOfRange(expected, (60 - rows) * 384, 60 * 384));
      }
      KvCache one = device.kvCache(1, 2, 64, 1100, Positions.CACHE);
      KvCache other = device.kvCache(1, 2, 64, 1200, Positions.ORIGINAL);
      Tensor positions = device.tensor(1100, 1);
      Tensor keys = slice(device, qkv[1], 0, 1100, 128);
      Tensor values = slice(device, qkv[2], 0, 1100, 128);
      device.append(List.of(new Span(one, 0, 1100)), 0, keys, values, positions);
      device.append(List.of(new Span(other, 0, 200)), 0, keys, values, positions);
      Tensor queries = device.tensor(10, 384);
      device.copyRows(queries, 7, slice(device, qkv[0], 1098, 1100, 384), 0, 2);
      Tensor out = device.tensor(10, 384);
      List<Span> spans = List.of(new Span(other, 0, 5), new Span(one, 7, 2));
      device.attention(out, queries, spans, 0, many.scale(), ALL, null);
      for (int row = 0; row < 2; row++) {
        assertThat(device.read(out, 7 + row))
            .isEqualTo(Arrays.copyOfRange(expected, (58 + row) * 384, (59 + row) * 384));
      }
    }
  }
}
