package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.Tensor;

/** Activations as one float array. */
final class CpuTensor implements Tensor {
  private final int rows;
  private final int columns;
  private float[] data;

  CpuTensor(int rows, int columns) {
    if (rows < 1 || columns < 1) {
      throw new IllegalArgumentException("a tensor [" + rows + ", " + columns + "] is empty");
    }
    this.rows = rows;
    this.columns = columns;
    data = new float[Sizes.elements("a tensor", rows, columns)];
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int columns() {
    return columns;
  }

  float[] data() {
    if (data == null) {
      throw new IllegalStateException("the tensor " + this + " is closed");
    }
    return data;
  }

  @Override
  public void close() {
    data = null;
  }

  @Override
  public String toString() {
    return "[" + rows + ", " + columns + "]";
  }
}
