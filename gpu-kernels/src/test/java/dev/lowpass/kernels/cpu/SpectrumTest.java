package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CachePlan.Keep;
import dev.lowpass.kernels.CachePlan.LowPass;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Energy;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Energies by frequency, and what compressions keep of them, against the DCT's definition. */
class SpectrumTest {
  private static final int HEADS = 2;
  private static final int HEAD_DIM = 6;
  private static final double FACTOR = 1.2;
  private static final double[] FREQUENCIES = CacheFixture.frequencies(HEAD_DIM);

  /**
   * Keys and values of some entries, at positions as a selection leaves them.
   *
   * @param keys {@code [kvHeads, entries, headDim]}, before rotation
   */
  private record Layer(KvCache cache, Rope rope, float[] keys, float[] values) {
    static Layer of(Device device, Positions mode, int entries) {
      KvCache cache = device.kvCache(2, HEADS, HEAD_DIM, entries + 5, mode);
      Rope rope = device.rope(FREQUENCIES, FACTOR);
      float[] keys = new Fixture(1).floats(HEADS * entries * HEAD_DIM);
      float[] values = new Fixture(2).floats(HEADS * entries * HEAD_DIM);
      float[] positions = new float[entries];
      for (int i = 0; i < entries; i++) {
        positions[i] = mode == Positions.CACHE ? i : i * i / 3f;
      }
      Tensor places = Fixture.tensor(device, entries, 1, positions);
      Tensor rotated = CacheFixture.rows(device, HEADS, entries, HEAD_DIM, keys);
      device.rotate(rotated, rope, places, entries);
      Tensor plain = CacheFixture.rows(device, HEADS, entries, HEAD_DIM, values);
      device.append(List.of(new Span(cache, 0, entries)), 0, rotated, plain, places);
      return new Layer(cache, rope, keys, values);
    }
  }

  /** By the definition: the squares of {@code [from, to)}'s coefficients, over heads, channels. */
  private static double[] spectrum(float[] data, int from, int to) {
    int entries = data.length / HEADS / HEAD_DIM;
    int size = to - from;
    double[] squares = new double[size];
    for (int k = 0; k < size; k++) {
      double norm = Math.sqrt((k == 0 ? 1.0 : 2.0) / size);
      for (int channel = 0; channel < HEADS * HEAD_DIM; channel++) {
        double sum = 0;
        for (int j = 0; j < size; j++) {
          int row = channel / HEAD_DIM * entries + from + j;
          double cosine = Math.cos(Math.PI * k * (2 * j + 1) / (2.0 * size));
          sum += norm * cosine * data[row * HEAD_DIM + channel % HEAD_DIM];
        }
        squares[k] += sum * sum;
      }
    }
    return squares;
  }

  private static double sum(double[] energies, int from, int to) {
    double sum = 0;
    for (int k = from; k < to; k++) {
      sum += energies[k];
    }
    return sum;
  }

  @ParameterizedTest
  @EnumSource
  void theSpectrumIsTheDefinitions(Positions mode) {
    try (Device device = CpuDevice.open(2)) {
      Layer layer = Layer.of(device, mode, 100);
      for (int[] range : new int[][] {{0, 100}, {4, 99}, {70, 71}, {50, 50}}) {
        double[][] actual = device.spectrum(layer.cache, 0, layer.rope, range[0], range[1]);
        assertThat(actual).hasNumberOfRows(2);
        double[] keys = spectrum(layer.keys, range[0], range[1]);
        double[] values = spectrum(layer.values, range[0], range[1]);
        assertThat(actual[0]).containsExactly(keys, within(2e-5));
        assertThat(actual[1]).containsExactly(values, within(2e-5));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void compressionsCountWhatTheyKeep(Positions mode) {
    try (Device device = CpuDevice.open(2)) {
      Layer layer = Layer.of(device, mode, 90);
      assertThat(device.energy(layer.cache, 0)).isEqualTo(Energy.NONE);
      CachePlan plan =
          CachePlan.of(
              90, new LowPass(4, 70, 20), new Keep(0, 4), new LowPass(70, 80, 9), new Keep(82, 90));
      device.apply(layer.cache, 0, plan, layer.rope, null);
      double[] keys = spectrum(layer.keys, 4, 70);
      double[] more = spectrum(layer.keys, 70, 80);
      double[] values = spectrum(layer.values, 4, 70);
      double[] moreValues = spectrum(layer.values, 70, 80);
      Energy energy = device.energy(layer.cache, 0);
      check(energy.keptKeys(), sum(keys, 1, 20) + sum(more, 1, 9));
      check(energy.keys(), sum(keys, 1, 66) + sum(more, 1, 10));
      check(energy.keptValues(), sum(values, 1, 20) + sum(moreValues, 1, 9));
      check(energy.values(), sum(values, 1, 66) + sum(moreValues, 1, 10));
      assertThat(device.energy(layer.cache, 1)).isEqualTo(Energy.NONE);
      // The next one adds to it, a copy has it, and what drops everything leaves it alone.
      double[] next = device.spectrum(layer.cache, 0, layer.rope, 0, 41)[1];
      device.apply(layer.cache, 0, CachePlan.of(41, new LowPass(0, 41, 30)), layer.rope, null);
      Energy both = device.energy(layer.cache, 0);
      check(both.keptValues(), energy.keptValues() + sum(next, 1, 30));
      check(both.values(), energy.values() + sum(next, 1, 41));
      KvCache copy = device.kvCache(2, HEADS, HEAD_DIM, 30, mode);
      device.copy(copy, layer.cache);
      assertThat(device.energy(copy, 0)).isEqualTo(both);
      device.apply(copy, 0, CachePlan.of(30, new LowPass(2, 30, 0)), layer.rope, null);
      assertThat(device.energy(copy, 0)).isEqualTo(both);
    }
  }

  private static void check(double actual, double expected) {
    assertThat(actual).isCloseTo(expected, within(1e-4));
  }

  /** What is slow along the tokens is kept whole. */
  @Test
  void aSlowSignalLosesNothing() {
    try (Device device = CpuDevice.open(2)) {
      int entries = 64;
      float[] slow = new float[HEADS * entries * HEAD_DIM];
      for (int i = 0; i < slow.length; i++) {
        int entry = i / HEAD_DIM % entries;
        slow[i] = (float) Math.cos(Math.PI * 5 * (2 * entry + 1) / (2.0 * entries)) + i % HEAD_DIM;
      }
      KvCache cache = device.kvCache(1, HEADS, HEAD_DIM, entries, Positions.CACHE);
      Rope rope = device.rope(FREQUENCIES, 1);
      CacheFixture.append(device, cache, HEADS, rope, slow, slow);
      device.apply(cache, 0, CachePlan.of(64, new LowPass(0, 64, 6)), rope, null);
      Energy energy = device.energy(cache, 0);
      assertThat(energy.keptKeys() / energy.keys()).isGreaterThan(1 - 1e-10);
      assertThat(energy.keptValues() / energy.values()).isGreaterThan(1 - 1e-10);
      check(energy.values(), HEADS * HEAD_DIM * 32);
    }
  }

  @Test
  void bitsDoNotDependOnThreads() {
    double[][] expected = null;
    Energy kept = null;
    for (int threads = 1; threads <= 3; threads++) {
      try (Device device = CpuDevice.open(threads)) {
        Layer layer = Layer.of(device, Positions.CACHE, 80);
        double[][] actual = device.spectrum(layer.cache, 0, layer.rope, 0, 80);
        assertThat(actual).isDeepEqualTo(expected == null ? actual : expected);
        expected = actual;
        device.apply(layer.cache, 0, CachePlan.of(80, new LowPass(0, 80, 31)), layer.rope, null);
        Energy energy = device.energy(layer.cache, 0);
        assertThat(energy).isEqualTo(kept == null ? energy : kept);
        kept = energy;
      }
    }
  }

  @Test
  void refusesEntriesThatAreNotThere() {
    try (Device device = CpuDevice.open(1)) {
      Layer layer = Layer.of(device, Positions.CACHE, 9);
      assertThatThrownBy(() -> device.spectrum(layer.cache, 0, layer.rope, 3, 10))
          .hasMessage("spectrum: entries [3, 10) of a cache that holds 9 at layer 0");
      assertThatThrownBy(() -> device.energy(layer.cache, 2))
          .hasMessage("energy: layer 2 of a cache of 2");
    }
  }
}
