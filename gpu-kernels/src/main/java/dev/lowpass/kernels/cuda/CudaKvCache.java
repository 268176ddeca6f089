package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Positions;
import java.util.Arrays;

/**
 * Keys and values {@code [kvHeads, capacity, headDim]} a layer, and positions {@code [kvHeads,
 * capacity]} where they are not the entries' places. A layer's keys, values and positions are a
 * piece of memory each, so that a layer that was rearranged elsewhere takes over by exchanging
 * pieces.
 */
final class CudaKvCache implements KvCache {
  private static final String REMEDY =
      "bound the cache (--cache, --cache-tokens), or shorten the document";

  private static final int ENERGY_BYTES = 4 * Double.BYTES;

  /** One layer's memory. */
  record Layer(Memory keys, Memory values, Memory positions) {}

  private final int kvHeads;
  private final int headDim;
  private final int capacity;
  private final int elementBytes;
  private final boolean hasPositions;
  private final Arena arena;
  private final Layer[] layers;
  private Memory energy;
  private final int[] lengths;
  private boolean closed;

  CudaKvCache(int layers, int kvHeads, int headDim, int capacity, Positions positions, Gpu gpu) {
    if (layers < 1 || kvHeads < 1 || headDim < 1 || capacity < 1) {
      throw new IllegalArgumentException(
          String.format(
              "a cache of %d layers, %d kv heads of %d channels and %d entries is empty",
              layers, kvHeads, headDim, capacity));
    }
    this.kvHeads = kvHeads;
    this.headDim = headDim;
    this.capacity = capacity;
    elementBytes = gpu.storage().bytes();
    arena = gpu.arena();
    hasPositions = positions == Positions.ORIGINAL;
    lengths = new int[layers];
    this.layers = new Layer[layers];
    try {
      for (int layer = 0; layer < layers; layer++) {
        this.layers[layer] = takeLayer();
      }
      energy = arena.take(energyBytes(), "a KV cache", REMEDY);
    } catch (OutOfMemoryError e) {
      close();
      throw e;
    }
    gpu.driver().clear(energy.address(), energyBytes());
  }

  /** Memory for one more layer. */
  Layer takeLayer() {
    String what = String.format("a KV cache of %d layers and %d entries", lengths.length, capacity);
    long bytes = (long) kvHeads * capacity * headDim * elementBytes;
    Memory keys = arena.take(bytes, what, REMEDY);
    Memory values = null;
    try {
      values = arena.take(bytes, what, REMEDY);
      Memory positions =
          hasPositions ? arena.take((long) kvHeads * capacity * Float.BYTES, what, REMEDY) : null;
      return new Layer(keys, values, positions);
    } catch (OutOfMemoryError e) {
      arena.giveBack(keys);
      if (values != null) {
        arena.giveBack(values);
      }
      throw e;
    }
  }

  void giveBack(Layer layer) {
    arena.giveBack(layer.keys());
    arena.giveBack(layer.values());
    if (layer.positions() != null) {
      arena.giveBack(layer.positions());
    }
  }

  @Override
  public int capacity() {
    return capacity;
  }

  @Override
  public int length(int layer) {
    return lengths[layer];
  }

  @Override
  public void truncate(int length) {
    for (int layer = 0; layer < lengths.length; layer++) {
      checkTruncation(layer, length);
    }
    Arrays.fill(lengths, length);
  }

  @Override
  public void truncate(int layer, int length) {
    checkTruncation(layer, length);
    lengths[layer] = length;
  }

  private void checkTruncation(int layer, int length) {
    if (length < 0 || lengths[layer] < length) {
      throw new IllegalArgumentException(
          String.format(
              "cannot truncate to %d entries: layer %d holds %d", length, layer, lengths[layer]));
    }
  }

  @Override
  public long bytes() {
    long entry = 2L * headDim * elementBytes + (hasPositions ? Float.BYTES : 0);
    return entry * kvHeads * capacity * lengths.length;
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      for (Layer layer : layers) {
        if (layer != null) {
          giveBack(layer);
        }
      }
      if (energy != null) {
        arena.giveBack(energy);
      }
    }
  }

  int layers() {
    return lengths.length;
  }

  int kvHeads() {
    return kvHeads;
  }

  int headDim() {
    return headDim;
  }

  boolean hasPositions() {
    return hasPositions;
  }

  Layer layer(int layer) {
    if (closed) {
      throw new IllegalStateException("the cache is closed");
    }
    return layers[layer];
  }

  /** Where a layer's energy is: float64, kept and all of the keys, kept and all of the values. */
  long energy(int layer) {
    layer(layer);
    return energy.address() + (long) layer * ENERGY_BYTES;
  }

  /** Bytes of all layers' energy. */
  long energyBytes() {
    return (long) lengths.length * ENERGY_BYTES;
  }

  /** Makes other memory a layer's; what was there goes back. */
  void replace(int layer, Layer memory, int length) {
    giveBack(layers[layer]);
    layers[layer] = memory;
    lengths[layer] = length;
  }

  /** Refuses {@code rows} more entries if there is no room for them. */
  void checkRoom(int layer, int rows) {
    layer(layer);
    if (rows > capacity - lengths[layer]) {
      throw new IllegalStateException(
          String.format(
              "the cache is full: layer %d holds %d entries, %d more exceed its capacity of %d",
              layer, lengths[layer], rows, capacity));
    }
  }

  void setLength(int layer, int length) {
    lengths[layer] = length;
  }
}
