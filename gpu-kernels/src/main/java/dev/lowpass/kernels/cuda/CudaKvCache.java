package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.AbstractKvCache;
import dev.lowpass.kernels.Positions;

/**
 * Keys and values {@code [kvHeads, capacity, headDim]} a layer, and positions {@code [kvHeads,
 * capacity]} where they are not the entries' places. A layer's keys, values and positions are a
 * piece of memory each, so that a layer that was rearranged elsewhere takes over by exchanging
 * pieces.
 */
final class CudaKvCache extends AbstractKvCache {
  private static final String REMEDY =
      "bound the cache (--cache, --cache-tokens), or shorten the document";

  private static final int ENERGY_BYTES = 4 * Double.BYTES;

  /** One layer's memory. */
  record Layer(Memory keys, Memory values, Memory positions) {}

  private final int elementBytes;
  private final Arena arena;
  private final Layer[] layers;
  private Memory energy;

  CudaKvCache(int layers, int kvHeads, int headDim, int capacity, Positions positions, Gpu gpu) {
    super(layers, kvHeads, headDim, capacity, positions);
    elementBytes = gpu.storage().bytes();
    arena = gpu.arena();
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
    String what =
        String.format("a KV cache of %d layers and %d entries", layers.length, capacity());
    long bytes = (long) kvHeads() * capacity() * headDim() * elementBytes;
    Memory keys = arena.take(bytes, what, REMEDY);
    Memory values = null;
    try {
      values = arena.take(bytes, what, REMEDY);
      Memory positions =
          hasPositions()
              ? arena.take((long) kvHeads() * capacity() * Float.BYTES, what, REMEDY)
              : null;
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
  public long bytes() {
    long entry = 2L * headDim() * elementBytes + (hasPositions() ? Float.BYTES : 0);
    return entry * kvHeads() * capacity() * layers.length;
  }

  @Override
  protected void release() {
    for (Layer layer : layers) {
      if (layer != null) {
        giveBack(layer);
      }
    }
    if (energy != null) {
      arena.giveBack(energy);
    }
  }

  Layer layer(int layer) {
    checkOpen();
    return layers[layer];
  }

  /** Where a layer's energy is: float64, kept and all of the keys, kept and all of the values. */
  long energy(int layer) {
    checkOpen();
    return energy.address() + (long) layer * ENERGY_BYTES;
  }

  /** Bytes of all layers' energy. */
  long energyBytes() {
    return (long) layers.length * ENERGY_BYTES;
  }

  /** Makes other memory a layer's; what was there goes back. */
  void replace(int layer, Layer memory, int length) {
    giveBack(layers[layer]);
    layers[layer] = memory;
    setLength(layer, length);
  }
}
