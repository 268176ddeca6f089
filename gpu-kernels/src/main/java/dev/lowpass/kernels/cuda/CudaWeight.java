package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Weight;

/**
 * A matrix of the checkpoint on the GPU.
 *
 * @param type how the checkpoint stores it
 * @param matrix its elements in the device's storage type, or as bytes where there are scales, rows
 *     a {@link Layout#stride} apart
 * @param scales what each row's bytes are multiplied by, as float32; or null
 * @param vector the elements of one that is {@code [1, n]} as float32, or null
 */
record CudaWeight(
    String name, DType type, int rows, int columns, Memory matrix, Memory scales, Memory vector)
    implements Weight {
  /** Where a norm's gain or a bias begins. */
  long asVector() {
    if (vector == null) {
      throw new IllegalArgumentException(this + " is no vector [1, n]");
    }
    return vector.address();
  }

  @Override
  public String toString() {
    return name + " [" + rows + ", " + columns + "]";
  }
}
