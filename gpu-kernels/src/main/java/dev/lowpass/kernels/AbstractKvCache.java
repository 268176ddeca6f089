package dev.lowpass.kernels;

import java.util.Arrays;

/**
 * What every device's cache is apart from its memory: its shape, each layer's length, and whether
 * it is closed.
 */
public abstract class AbstractKvCache implements KvCache {
  private final int kvHeads;
  private final int headDim;
  private final int capacity;
  private final boolean hasPositions;
  private final int[] lengths;
  private boolean closed;

  /** A cache of {@link Device#kvCache}'s shape that holds nothing. */
  protected AbstractKvCache(
      int layers, int kvHeads, int headDim, int capacity, Positions positions) {
    if (layers < 1 || kvHeads < 1 || headDim < 1 || capacity < 1) {
      throw new IllegalArgumentException(
          String.format(
              "a cache of %d layers, %d kv heads of %d channels and %d entries is empty",
              layers, kvHeads, headDim, capacity));
    }
    this.kvHeads = kvHeads;
    this.headDim = headDim;
    this.capacity = capacity;
    hasPositions = positions == Positions.ORIGINAL;
    lengths = new int[layers];
  }

  /** Returns its memory, or as much of it as was taken; called once. */
  protected abstract void release();

  public final int layers() {
    return lengths.length;
  }

  /** Key/value heads a layer. */
  public final int kvHeads() {
    return kvHeads;
  }

  /** Channels a head. */
  public final int headDim() {
    return headDim;
  }

  /** Whether it remembers positions ({@link Positions#ORIGINAL}). */
  public final boolean hasPositions() {
    return hasPositions;
  }

  @Override
  public final int capacity() {
    return capacity;
  }

  @Override
  public final int length(int layer) {
    return lengths[layer];
  }

  /** Sets a layer's length, after entries were appended to it or moved in it. */
  public final void setLength(int layer, int length) {
    lengths[layer] = length;
  }

  @Override
  public final void truncate(int length) {
    for (int layer = 0; layer < lengths.length; layer++) {
      checkTruncation(layer, length);
    }
    Arrays.fill(lengths, length);
  }

  @Override
  public final void truncate(int layer, int length) {
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

  /**
   * Refuses {@code rows} more entries if there is no room for them.
   *
   * @throws IllegalStateException if there is none, or the cache is closed
   */
  public final void checkRoom(int layer, int rows) {
    checkOpen();
    if (rows > capacity - lengths[layer]) {
      throw new IllegalStateException(
          String.format(
              "the cache is full: layer %d holds %d entries, %d more exceed its capacity of %d",
              layer, lengths[layer], rows, capacity));
    }
  }

  /**
   * Refuses to be used without memory.
   *
   * @throws IllegalStateException if the cache is closed
   */
  public final void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the cache is closed");
    }
  }

  @Override
  public final void close() {
    if (!closed) {
      closed = true;
      release();
    }
  }
}
