package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.AbstractKvCache;
import dev.lowpass.kernels.CacheType;
import dev.lowpass.kernels.Energy;
import dev.lowpass.kernels.Positions;
import java.util.Arrays;

/**
 * Keys and values, a {@link CacheMemory} each a layer. A value's channels are headDim rounded up to
 * whole vectors. Positions, where they are not the entries' places, are {@code [kvHeads, entries]}.
 */
final class CpuKvCache extends AbstractKvCache {
  private final Kernels kernels;
  private final int width;
  private CacheMemory[] keys;
  private CacheMemory[] values;
  private float[][] positions;
  private final Energy[] energies;

  CpuKvCache(
      int layers,
      int kvHeads,
      int headDim,
      int capacity,
      Positions positions,
      CacheType type,
      Kernels kernels) {
    super(layers, kvHeads, headDim, capacity, positions);
    this.kernels = kernels;
    width = Sizes.roundUp(headDim, kernels.lanes());
    int blocks = Sizes.ceilDiv(capacity, Kernels.BLOCK);
    CacheMemory.Shape keyShape = new CacheMemory.Shape(kvHeads, blocks, headDim, true);
    CacheMemory.Shape valueShape = new CacheMemory.Shape(kvHeads, blocks, width, false);
    keys = new CacheMemory[layers];
    values = new CacheMemory[layers];
    for (int layer = 0; layer < layers; layer++) {
      keys[layer] = CacheMemory.of(type, keyShape);
      values[layer] = CacheMemory.of(type, valueShape);
    }
    this.positions = hasPositions() ? new float[layers][kvHeads * capacity] : null;
    energies = new Energy[layers];
    Arrays.fill(energies, Energy.NONE);
  }

  @Override
  public long bytes() {
    long bytes = 0;
    for (int layer = 0; layer < keys.length; layer++) {
      bytes += keys[layer].bytes() + values[layer].bytes();
      bytes += positions == null ? 0 : (long) Float.BYTES * positions[layer].length;
    }
    return bytes;
  }

  @Override
  protected void release() {
    keys = new CacheMemory[0];
    values = new CacheMemory[0];
    positions = positions == null ? null : new float[0][];
  }

  /** Floats an entry's value takes. */
  int width() {
    return width;
  }

  CacheMemory keys(int layer) {
    checkOpen();
    return keys[layer];
  }

  CacheMemory values(int layer) {
    checkOpen();
    return values[layer];
  }

  /** {@code [kvHeads, capacity]}, of a cache that {@link #hasPositions}. */
  float[] positions(int layer) {
    checkOpen();
    return positions[layer];
  }

  /** What low-passes kept of a layer. */
  Energy energy(int layer) {
    return energies[layer];
  }

  void addEnergy(int layer, Energy energy) {
    energies[layer] = energies[layer].plus(energy);
  }

  /**
   * Stores rows of one kv head behind the layer's length, which {@link #setLength} moves on.
   *
   * @param newPositions a row's position each; unused where places are positions
   */
  void store(
      int layer,
      int kvHead,
      float[] newKeys,
      float[] newValues,
      float[] newPositions,
      int firstRow,
      int rows) {
    if (positions != null) {
      int to = kvHead * capacity() + length(layer);
      System.arraycopy(newPositions, firstRow, positions[layer], to, rows);
    }
    int stride = kvHeads() * headDim();
    for (int i = 0; i < rows; i++) {
      int entry = length(layer) + i;
      int in = (firstRow + i) * stride + kvHead * headDim();
      keys[layer].put(kvHead, entry, newKeys, in, 1, headDim());
      values[layer].put(kvHead, entry, newValues, in, 1, headDim());
    }
  }

  /** Takes over the entries of a cache of the same shape, and of any capacity that holds them. */
  void copyFrom(CpuKvCache from, int layer, int kvHead) {
    int length = from.length(layer);
    keys(layer).copyFrom(from.keys(layer), kvHead, length);
    values(layer).copyFrom(from.values(layer), kvHead, length);
    if (positions != null) {
      System.arraycopy(
          from.positions(layer),
          kvHead * from.capacity(),
          positions(layer),
          kvHead * capacity(),
          length);
    }
    setLength(layer, length);
    energies[layer] = from.energies[layer];
  }

  /** One kv head's keys {@code [length, headDim]}. */
  float[] readKeys(int layer, int kvHead) {
    return read(keys(layer), kvHead, length(layer));
  }

  /** One kv head's values {@code [length, headDim]}. */
  float[] readValues(int layer, int kvHead) {
    return read(values(layer), kvHead, length(layer));
  }

  private float[] read(CacheMemory memory, int kvHead, int entries) {
    int blocks = Sizes.ceilDiv(entries, Kernels.BLOCK);
    float[] decoded = new float[blocks * Kernels.BLOCK * memory.channels()];
    memory.decode(kernels, kvHead, 0, blocks, decoded);
    int origin = memory.blockOffset(kvHead, 0);
    float[] read = new float[entries * headDim()];
    for (int i = 0; i < read.length; i++) {
      int entry = memory.entryOffset(kvHead, i / headDim()) - origin;
      read[i] = decoded[entry + i % headDim() * memory.step()];
    }
    return read;
  }
}
