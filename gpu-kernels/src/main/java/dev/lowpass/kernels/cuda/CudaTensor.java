package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.Tensor;

/** Activations as float32, dense. */
final class CudaTensor implements Tensor {
  private final int rows;
  private final int columns;
  private final Arena arena;
  private Memory memory;
  private long version;

  CudaTensor(int rows, int columns, Arena arena) {
    if (rows < 1 || columns < 1) {
      throw new IllegalArgumentException("a tensor [" + rows + ", " + columns + "] is empty");
    }
    this.rows = rows;
    this.columns = columns;
    this.arena = arena;
    memory =
        arena.take(
            (long) rows * columns * Float.BYTES,
            "a tensor " + this,
            "use a smaller model, or a GPU with more memory");
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int columns() {
    return columns;
  }

  /** Where it begins. */
  long address() {
    if (memory == null) {
      throw new IllegalStateException("the tensor " + this + " is closed");
    }
    return memory.address();
  }

  /** Where a row begins. */
  long address(int row) {
    return address() + (long) row * columns * Float.BYTES;
  }

  /** Where it begins, for an operation that changes it. */
  long changed() {
    version++;
    return address();
  }

  /** How often it was changed. */
  long version() {
    return version;
  }

  @Override
  public void close() {
    if (memory != null) {
      arena.giveBack(memory);
      memory = null;
    }
  }

  @Override
  public String toString() {
    return "[" + rows + ", " + columns + "]";
  }
}
