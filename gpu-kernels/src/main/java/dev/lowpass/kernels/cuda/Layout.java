package dev.lowpass.kernels.cuda;

/** How things lie in device memory: what {@code memory.cuh} says. */
final class Layout {
  private static final int STRIDE = 16;

  private Layout() {}

  /** Elements from a row of an operand or a matrix to the next. */
  static int stride(int columns) {
    return roundUp(columns, STRIDE);
  }

  static int roundUp(int size, int multiple) {
    return Math.multiplyExact(ceilDiv(size, multiple), multiple);
  }

  static int ceilDiv(int size, int divisor) {
    return (int) (((long) size + divisor - 1) / divisor);
  }
}
