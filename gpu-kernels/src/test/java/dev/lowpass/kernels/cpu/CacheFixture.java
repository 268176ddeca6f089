package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import java.util.Arrays;
import java.util.List;

/** Caches with given contents. */
final class CacheFixture {
  private CacheFixture() {}

  /** A base of 10000, as Llama's. */
  static double[] frequencies(int headDim) {
    double[] frequencies = new double[headDim / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = Math.pow(10000, -2.0 * i / headDim);
    }
    return frequencies;
  }

  /**
   * Appends entries to every layer, the keys rotated to the places that they get.
   *
   * @param keys {@code [kvHeads, entries, headDim]}, before rotation
   * @param values {@code [kvHeads, entries, headDim]}
   */
  static void append(
      Device device, KvCache cache, int kvHeads, Rope rope, float[] keys, float[] values) {
    int headDim = rope.headDim();
    int entries = keys.length / kvHeads / headDim;
    Tensor positions = Fixture.positions(device, cache.length(0), entries);
    Tensor rotated = rows(device, kvHeads, entries, headDim, keys);
    device.rotate(rotated, rope, positions, entries);
    Tensor plain = rows(device, kvHeads, entries, headDim, values);
    for (int layer = 0; layer < ((CpuKvCache) cache).layers(); layer++) {
      device.append(List.of(new Span(cache, 0, entries)), layer, rotated, plain, positions);
    }
  }

  /**
   * {@code [heads, entries, headDim]} as the rows {@code [entries, heads * headDim]} of a batch.
   */
  static Tensor rows(Device device, int heads, int entries, int headDim, float[] data) {
    float[] rows = new float[data.length];
    for (int i = 0; i < data.length; i++) {
      int head = i / headDim / entries;
      int entry = i / headDim % entries;
      rows[(entry * heads + head) * headDim + i % headDim] = data[i];
    }
    return Fixture.tensor(device, entries, heads * headDim, rows);
  }

  /** A kv head's positions, of a cache that remembers them. */
  static float[] positions(KvCache cache, int layer, int kvHead) {
    int at = kvHead * cache.capacity();
    return Arrays.copyOfRange(((CpuKvCache) cache).positions(layer), at, at + cache.length(layer));
  }

  /** A kv head's keys {@code [length, headDim]}, their rotation undone in float64. */
  static double[] unrotated(
      Device device, KvCache cache, int layer, int kvHead, double[] frequencies) {
    float[] keys = device.readKeys(cache, layer, kvHead);
    int half = frequencies.length;
    double[] plain = new double[keys.length];
    for (int i = 0; i < keys.length; i++) {
      int entry = i / (2 * half);
      int channel = i % (2 * half);
      double angle = entry * frequencies[channel % half];
      double sine = channel < half ? Math.sin(angle) : -Math.sin(angle);
      int other = channel < half ? i + half : i - half;
      plain[i] = keys[i] * Math.cos(angle) + keys[other] * sine;
    }
    return plain;
  }
}
