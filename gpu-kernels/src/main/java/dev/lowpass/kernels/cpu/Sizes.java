package dev.lowpass.kernels.cpu;

/** Arithmetic on sizes that does not overflow. */
final class Sizes {
  /** The longest array that every JVM grants. */
  private static final int MAX_ARRAY = Integer.MAX_VALUE - 8;

  private Sizes() {}

  /**
   * The product of an array's extents.
   *
   * @throws IllegalArgumentException if no array is that long
   */
  static int elements(String what, int... extents) {
    long product = 1;
    StringBuilder shape = new StringBuilder();
    for (int extent : extents) {
      // Never overflows: the product is below 2^31 here.
      product *= extent;
      shape.append(shape.length() == 0 ? "[" : ", ").append(extent);
      if (product > MAX_ARRAY) {
        throw new IllegalArgumentException(
            what + " of " + shape + ", ...] elements does not fit one array (2^31 - 9 elements)");
      }
    }
    return (int) product;
  }

  static int roundUp(int size, int multiple) {
    return Math.multiplyExact(ceilDiv(size, multiple), multiple);
  }

  static int ceilDiv(int size, int divisor) {
    return (int) (((long) size + divisor - 1) / divisor);
  }
}
