package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Pooling;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ObservationEmulatedTest {
  private record Case(
      int kvHeads,
      int group,
      int headDim,
      int tokens,
      int rows,
      int observed,
      int window,
      int from,
      int to,
      Pooling pooling) {}

  private static final int ALL = Integer.MAX_VALUE;

  private static final List<Case> CASES =
      List.of(
          new Case(1, 1, 32, 1, 1, 1, ALL, 0, 1, new Pooling(Pooling.Kind.MAX, 1)),
          new Case(2, 3, 64, 200, 20, 8, ALL, 4, 192, new Pooling(Pooling.Kind.MAX, 7)),
          new Case(1, 8, 80, 130, 40, 33, ALL, 0, 130, new Pooling(Pooling.Kind.AVERAGE, 5)),
          new Case(3, 2, 128, 90, 17, 17, 20, 60, 88, new Pooling(Pooling.Kind.AVERAGE, 3)),
          new Case(2, 1, 8, 70, 3, 2, ALL, 5, 5, new Pooling(Pooling.Kind.MAX, 3)),
          new Case(1, 4, 96, 65, 5, 5, 1, 1, 65, new Pooling(Pooling.Kind.MAX, 99)));

  /** A score is a sum of probabilities, one for each observing row and head of the group. */
  @ParameterizedTest
  @EnumSource(DType.class)
  void matchesTheCpu(DType storage) {
    try (Twin twin = new Twin(storage, 1)) {
      for (Case test : CASES) {
        int kvColumns = test.kvHeads * test.headDim;
        int columns = kvColumns * test.group;
        float[] keys = twin.floats(test.tokens * kvColumns);
        float[] queries = twin.floats((test.rows + 2) * columns);
        float scale = (float) (1 / Math.sqrt(test.headDim));
        twin.run(
                device -> {
                  KvCache cache =
                      device.kvCache(
                          1, test.kvHeads, test.headDim, test.tokens + 5, Positions.CACHE);
                  Tensor k = Twin.tensor(device, test.tokens, kvColumns, keys);
                  Tensor positions = device.tensor(test.tokens, 1);
                  device.append(List.of(new Span(cache, 0, test.tokens)), 0, k, k, positions);
                  Tensor q = Twin.tensor(device, test.rows + 2, columns, queries);
                  Tensor out = device.tensor(test.rows + 2, columns);
                  Tensor logSums = device.tensor(test.rows + 2, test.kvHeads * test.group);
                  Span span = new Span(cache, 2, test.rows);
                  device.attention(out, q, List.of(span), 0, scale, test.window, logSums);
                  Tensor scores = device.tensor(test.kvHeads, test.tokens + 5);
                  device.observe(
                      scores,
                      q,
                      logSums,
                      span,
                      test.observed,
                      0,
                      scale,
                      test.window,
                      test.from,
                      test.to,
                      test.pooling);
                  return Twin.all(device, scores);
                })
            .areWithin(test.group * test.observed * (twin.rounding() + 1e-6));
      }
    }
  }
}
