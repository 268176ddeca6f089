package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.Rows;

/** Row indices as int32. */
final class CudaRows implements Rows {
  private final int capacity;
  private final Arena arena;
  private Memory memory;
  private int count;
  private int bound;

  CudaRows(int capacity, Arena arena) {
    if (capacity < 1) {
      throw new IllegalArgumentException("a list of " + capacity + " rows is empty");
    }
    this.capacity = capacity;
    this.arena = arena;
    memory =
        arena.take(
            (long) capacity * Integer.BYTES,
            "a list of " + capacity + " rows",
            "use a GPU with more memory");
  }

  @Override
  public int capacity() {
    return capacity;
  }

  @Override
  public int count() {
    return count;
  }

  /** Below what all its indices are. */
  int bound() {
    return bound;
  }

  /** Notes a selection of {@code count} rows out of the first {@code bound}. */
  void set(int count, int bound) {
    this.count = count;
    this.bound = bound;
  }

  long address() {
    if (memory == null) {
      throw new IllegalStateException("the list of rows is closed");
    }
    return memory.address();
  }

  @Override
  public void close() {
    if (memory != null) {
      arena.giveBack(memory);
      memory = null;
    }
  }
}
