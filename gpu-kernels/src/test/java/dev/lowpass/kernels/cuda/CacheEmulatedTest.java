package dev.lowpass.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CachePlan.Best;
import dev.lowpass.kernels.CachePlan.Keep;
import dev.lowpass.kernels.CachePlan.LowPass;
import dev.lowpass.kernels.CachePlan.Rest;
import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Energy;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Rows;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CacheEmulatedTest {
  private static final int CAPACITY = 90;

  private static double[] frequencies(int headDim) {
    double[] frequencies = new double[headDim / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = Math.pow(10000, -2.0 * i / headDim);
    }
    return frequencies;
  }

  /** One layer's worth of entries, in two batches. */
  private record Entries(int kvHeads, int headDim, int count, float[] keys, float[] values) {
    static Entries random(Twin twin, int kvHeads, int headDim, int count) {
      int size = count * kvHeads * headDim;
      return new Entries(kvHeads, headDim, count, twin.floats(size), twin.floats(size));
    }

    KvCache cache(Device device, Rope rope, Positions positions) {
      KvCache cache = device.kvCache(2, kvHeads, headDim, CAPACITY, positions);
      int columns = kvHeads * headDim;
      for (int first = 0; first < count; first += 50) {
        int rows = Math.min(50, count - first);
        float[] places = new float[rows];
        for (int i = 0; i < rows; i++) {
          places[i] = positions == Positions.CACHE ? first + i : 3 * (first + i) + 7;
        }
        int from = first * columns;
        int to = from + rows * columns;
        Tensor newKeys = Twin.tensor(device, rows, columns, Arrays.copyOfRange(keys, from, to));
        Tensor newValues = Twin.tensor(device, rows, columns, Arrays.copyOfRange(values, from, to));
        Tensor where = Twin.tensor(device, rows, 1, places);
        device.rotate(newKeys, rope, where, rows);
        device.append(List.of(new Span(cache, 0, rows)), 1, newKeys, newValues, where);
      }
      return cache;
    }
  }

  private static float[] read(Device device, KvCache cache, int kvHeads) {
    float[] all = new float[0];
    for (int head = 0; head < kvHeads; head++) {
      float[] keys = device.readKeys(cache, 1, head);
      float[] values = device.readValues(cache, 1, head);
      int end = all.length;
      all = Arrays.copyOf(all, end + keys.length + values.length);
      System.arraycopy(keys, 0, all, end, keys.length);
      System.arraycopy(values, 0, all, end + keys.length, values.length);
    }
    return all;
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void appendsBatchesOfSequences(DType storage) {
    try (Twin twin = new Twin(storage, 1)) {
      float[] keys = twin.floats(12 * 48);
      float[] values = twin.floats(12 * 48);
      twin.run(
              device -> {
                KvCache one = device.kvCache(1, 2, 24, 10, Positions.CACHE);
                KvCache other = device.kvCache(1, 2, 24, 7, Positions.ORIGINAL);
                Tensor k = Twin.tensor(device, 12, 48, keys);
                Tensor v = Twin.tensor(device, 12, 48, values);
                Tensor positions = device.tensor(12, 1);
                device.append(List.of(), 0, k, v, positions);
                device.append(
                    List.of(new Span(one, 6, 4), new Span(other, 0, 5)), 0, k, v, positions);
                device.append(List.of(new Span(one, 11, 1)), 0, k, v, positions);
                assertThatThrownBy(
                        () ->
                            device.append(
                                List.of(new Span(one, 0, 1), new Span(other, 1, 3)),
                                0,
                                k,
                                v,
                                positions))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("the cache is full");
                assertThat(one.length(0)).isEqualTo(5);
                one.truncate(0, 4);
                float[] a = device.readKeys(one, 0, 1);
                float[] b = device.readValues(other, 0, 0);
                float[] all = Arrays.copyOf(a, a.length + b.length);
                System.arraycopy(b, 0, all, a.length, b.length);
                one.close();
                other.close();
                return all;
              })
          .areEqual();
    }
  }

  /** Keys and values within the storage type's rounding of numbers up to 5. */
  @ParameterizedTest
  @EnumSource(DType.class)
  void carriesOutPlans(DType storage) {
    try (Twin twin = new Twin(storage, 2)) {
      for (int headDim : new int[] {8, 80, 128}) {
        int kvHeads = headDim == 8 ? 3 : 1;
        Entries entries = Entries.random(twin, kvHeads, headDim, 83);
        float[] scores = twin.floats(kvHeads * CAPACITY);
        for (Positions positions : Positions.values()) {
          for (CachePlan plan :
              List.of(
                  CachePlan.of(83, new Keep(0, 83)),
                  CachePlan.of(83),
                  CachePlan.of(83, new Keep(4, 4), new Keep(80, 83)),
                  CachePlan.of(83, new Keep(0, 4), new LowPass(4, 70, 33), new Keep(70, 83)),
                  CachePlan.of(83, new LowPass(0, 83, 1)),
                  CachePlan.of(83, new LowPass(3, 40, 36), new LowPass(50, 83, 0)),
                  CachePlan.of(
                      83,
                      new Keep(0, 9),
                      new Rest(20, 77, 13),
                      new Best(20, 77, 13),
                      new Keep(9, 12)))) {
            Twin.Results results =
                twin.run(
                    device -> {
                      Rope rope = device.rope(frequencies(headDim), 1.1);
                      KvCache cache = entries.cache(device, rope, positions);
                      Tensor ranks = Twin.tensor(device, kvHeads, CAPACITY, scores);
                      device.apply(cache, 1, plan, rope, plan.ranks() ? ranks : null);
                      assertThat(cache.length(1)).isEqualTo(plan.result());
                      assertThat(cache.length(0)).isZero();
                      float[] all = read(device, cache, kvHeads);
                      cache.close();
                      return all;
                    });
            // Rotated by a factor of 1.1; the stored value and the one turned are rounded each.
            results.areWithin(5 * 1.1 * 2 * twin.rounding() + 4e-6);
          }
        }
      }
    }
  }

  /** Positions that a plan left: another plan turns keys by them. */
  @Test
  void remembersPositions() {
    try (Twin twin = new Twin(DType.F32, 3)) {
      Entries entries = Entries.random(twin, 2, 32, 77);
      float[] scores = twin.floats(2 * CAPACITY);
      twin.run(
              device -> {
                Rope rope = device.rope(frequencies(32), 1);
                KvCache cache = entries.cache(device, rope, Positions.ORIGINAL);
                Tensor ranks = Twin.tensor(device, 2, CAPACITY, scores);
                CachePlan first =
                    CachePlan.of(
                        77, new Best(0, 50, 20), new LowPass(50, 77, 11), new Rest(0, 50, 20));
                device.apply(cache, 1, first, rope, ranks);
                device.apply(
                    cache,
                    1,
                    CachePlan.of(61, new LowPass(0, 40, 17), new Keep(50, 61)),
                    rope,
                    null);
                return read(device, cache, 2);
              })
          .areWithin(2e-5);
    }
  }

  @Test
  void countsTheEnergyThatLowPassesKeep() {
    try (Twin twin = new Twin(DType.F32, 4)) {
      Entries entries = Entries.random(twin, 2, 64, 80);
      Twin.Results results =
          twin.run(
              device -> {
                Rope rope = device.rope(frequencies(64), 1);
                KvCache cache = entries.cache(device, rope, Positions.CACHE);
                CachePlan plan =
                    CachePlan.of(
                        80, new Keep(0, 4), new LowPass(4, 60, 20), new LowPass(60, 80, 0));
                device.apply(cache, 1, plan, rope, null);
                device.apply(cache, 1, CachePlan.of(24, new LowPass(2, 24, 9)), rope, null);
                KvCache branch = device.kvCache(2, 2, 64, 40, Positions.CACHE);
                device.copy(branch, cache);
                Energy energy = device.energy(branch, 1);
                assertThat(device.energy(branch, 0)).isEqualTo(Energy.NONE);
                return new float[] {
                  (float) energy.keptKeys(),
                  (float) energy.keys(),
                  (float) energy.keptValues(),
                  (float) energy.values()
                };
              });
      results.areWithinParts(1e-5);
    }
  }

  @Test
  void copiesACacheIntoOneOfAnotherSize() {
    try (Twin twin = new Twin(DType.BF16, 5)) {
      Entries entries = Entries.random(twin, 3, 40, 60);
      for (Positions positions : Positions.values()) {
        twin.run(
                device -> {
                  Rope rope = device.rope(frequencies(40), 1);
                  KvCache cache = entries.cache(device, rope, positions);
                  KvCache branch = device.kvCache(2, 3, 40, 61, positions);
                  device.copy(branch, cache);
                  // What becomes of the copy is nothing to the original.
                  branch.truncate(1, 10);
                  device.apply(branch, 1, CachePlan.of(10, new Keep(5, 10)), rope, null);
                  return read(device, cache, 3);
                })
            .areWithin(5 * 2 * twin.rounding());
      }
    }
  }

  @Test
  void sharesOutTheSpectrum() {
    try (Twin twin = new Twin(DType.F32, 6)) {
      Entries entries = Entries.random(twin, 2, 24, 60);
      for (Positions positions : Positions.values()) {
        twin.run(
                device -> {
                  Rope rope = device.rope(frequencies(24), 1);
                  KvCache cache = entries.cache(device, rope, positions);
                  double[][] spectrum = device.spectrum(cache, 1, rope, 3, 54);
                  float[] all = new float[2 * 51];
                  for (int i = 0; i < all.length; i++) {
                    all[i] = (float) spectrum[i / 51][i % 51];
                  }
                  return all;
                })
            .areWithinParts(1e-5);
      }
    }
  }

  /** More than one block's worth, ties, and every count. */
  @Test
  void selectsTheBestRows() {
    try (Twin twin = new Twin(DType.F32, 7)) {
      for (int columns : new int[] {1, 5, 1024, 2500}) {
        float[] scores = twin.floats(3 * columns);
        for (int i = 0; i < scores.length; i++) {
          scores[i] = Math.round(4 * scores[i]) / 4f;
        }
        for (int count : new int[] {0, 1, columns / 3, columns - columns / 5, columns}) {
          twin.run(
                  device -> {
                    Tensor ranks = Twin.tensor(device, 3, columns, scores);
                    Rows rows = device.rows(columns);
                    int from = columns / 5;
                    device.best(rows, ranks, from, columns, Math.min(count, columns - from));
                    int[] read = device.read(rows);
                    assertThat(read).hasSize(rows.count());
                    float[] floats = new float[read.length];
                    for (int i = 0; i < read.length; i++) {
                      floats[i] = read[i];
                    }
                    return floats;
                  })
              .areEqual();
        }
      }
    }
  }

  @Test
  void movesSelectedRows() {
    try (Twin twin = new Twin(DType.F32, 8)) {
      float[] data = twin.floats(20 * 9);
      float[] scores = twin.floats(10);
      twin.run(
              device -> {
                Tensor in = Twin.tensor(device, 20, 9, data);
                Rows rows = device.rows(10);
                Tensor out = device.tensor(8, 9);
                device.gatherRows(out, 0, in, 0, rows);
                device.best(rows, Twin.tensor(device, 1, 10, scores), 0, 10, 4);
                device.gatherRows(out, 3, in, 10, rows);
                return Twin.all(device, out);
              })
          .areEqual();
    }
  }
}
