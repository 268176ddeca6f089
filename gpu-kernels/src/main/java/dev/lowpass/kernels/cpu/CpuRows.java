package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.Rows;

/** Row indices as an array. */
final class CpuRows implements Rows {
  private int[] indices;
  private int count;

  CpuRows(int capacity) {
    if (capacity < 1) {
      throw new IllegalArgumentException("a list of " + capacity + " rows is empty");
    }
    indices = new int[capacity];
  }

  @Override
  public int capacity() {
    return indices().length;
  }

  @Override
  public int count() {
    return count;
  }

  /** The first {@link #count()} are there. */
  int[] indices() {
    if (indices == null) {
      throw new IllegalStateException("the list of rows is closed");
    }
    return indices;
  }

  void setCount(int count) {
    this.count = count;
  }

  @Override
  public void close() {
    indices = null;
  }
}
