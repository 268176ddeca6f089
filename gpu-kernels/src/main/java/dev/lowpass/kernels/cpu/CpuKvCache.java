package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.AbstractKvCache;
import dev.lowpass.kernels.Energy;
import dev.lowpass.kernels.Positions;
import java.util.Arrays;

/**
 * Keys and values, an array each a layer, in blocks of {@link Kernels#BLOCK} entries that begin at
 * multiples of that number.
 *
 * <p>Values are {@code [kvHeads, entries, width]}, {@code width} being headDim rounded up to whole
 * vectors. Keys are transposed within their block, {@code [kvHeads, blocks, headDim, BLOCK]}: a
 * query's scores for consecutive entries then lie in consecutive lanes, and no product needs a sum
 * across lanes. Positions, where they are not the entries' places, are {@code [kvHeads, entries]}.
 */
final class CpuKvCache extends AbstractKvCache {
  private final int width;
  private final int blocks;
  private float[][] keys;
  private float[][] values;
  private float[][] positions;
  private final Energy[] energies;

  CpuKvCache(int layers, int kvHeads, int headDim, int capacity, Positions positions, int lanes) {
    super(layers, kvHeads, headDim, capacity, positions);
    width = Sizes.roundUp(headDim, lanes);
    blocks = Sizes.ceilDiv(capacity, Kernels.BLOCK);
    int keySize = Sizes.elements("a layer's keys", kvHeads, blocks, headDim, Kernels.BLOCK);
    int valueSize = Sizes.elements("a layer's values", kvHeads, blocks, Kernels.BLOCK, width);
    keys = new float[layers][keySize];
    values = new float[layers][valueSize];
    this.positions = hasPositions() ? new float[layers][kvHeads * capacity] : null;
    energies = new Energy[layers];
    Arrays.fill(energies, Energy.NONE);
  }

  @Override
  public long bytes() {
    long floats = 0;
    for (int layer = 0; layer < keys.length; layer++) {
      floats += (long) keys[layer].length + values[layer].length;
      floats += positions == null ? 0 : positions[layer].length;
    }
    return Float.BYTES * floats;
  }

  @Override
  protected void release() {
    keys = new float[0][];
    values = new float[0][];
    positions = positions == null ? null : new float[0][];
  }

  /** Floats an entry's value takes. */
  int width() {
    return width;
  }

  float[] keys(int layer) {
    checkOpen();
    return keys[layer];
  }

  float[] values(int layer) {
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

  /** Where a block's keys begin. */
  int keyOffset(int kvHead, int block) {
    return (kvHead * blocks + block) * headDim() * Kernels.BLOCK;
  }

  /** Where an entry's value begins. */
  int valueOffset(int kvHead, int entry) {
    return (kvHead * blocks * Kernels.BLOCK + entry) * width;
  }

  /**
   * Stores rows of one kv head behind the layer's length, which {@link #grow} moves on.
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
      int key = keyOffset(kvHead, entry / Kernels.BLOCK) + entry % Kernels.BLOCK;
      for (int d = 0; d < headDim(); d++) {
        keys[layer][key + d * Kernels.BLOCK] = newKeys[in + d];
      }
      System.arraycopy(newValues, in, values[layer], valueOffset(kvHead, entry), headDim());
    }
  }

  /** Where a channel of an entry's key lies. */
  int keyIndex(int kvHead, int channel, int entry) {
    return keyOffset(kvHead, entry / Kernels.BLOCK)
        + channel * Kernels.BLOCK
        + entry % Kernels.BLOCK;
  }

  /** Takes over the entries of a cache of the same shape, and of any capacity that holds them. */
  void copyFrom(CpuKvCache from, int layer, int kvHead) {
    int length = from.length(layer);
    System.arraycopy(
        from.keys(layer),
        from.keyOffset(kvHead, 0),
        keys(layer),
        keyOffset(kvHead, 0),
        Sizes.roundUp(length, Kernels.BLOCK) * headDim());
    System.arraycopy(
        from.values(layer),
        from.valueOffset(kvHead, 0),
        values(layer),
        valueOffset(kvHead, 0),
        length * width);
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
    float[] read = new float[length(layer) * headDim()];
    for (int i = 0; i < read.length; i++) {
      read[i] = keys(layer)[keyIndex(kvHead, i % headDim(), i / headDim())];
    }
    return read;
  }

  /** One kv head's values {@code [length, headDim]}. */
  float[] readValues(int layer, int kvHead) {
    float[] read = new float[length(layer) * headDim()];
    for (int entry = 0; entry < length(layer); entry++) {
      int at = valueOffset(kvHead, entry);
      System.arraycopy(values(layer), at, read, entry * headDim(), headDim());
    }
    return read;
  }
}
