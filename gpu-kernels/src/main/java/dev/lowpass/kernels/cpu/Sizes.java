package dev.lowpass.kernels.cpu;

import java.util.Arrays;

/** Arithmetic on sizes that does not overflow. */
final class Sizes {
  /** The longest array that every JVM grants. */
  static final int MAX_ARRAY = Integer.MAX_VALUE - 8;

  private Sizes() {}

  /**
   * The product of an array's extents.
   *
   * @throws IllegalArgumentException if no array is that long
   */
  static int elements(String what, int... extents) {
    long product = 1;
    for (int extent : extents) {
      // Never overflows: the product is below 2^31 here.
      product *= extent;
      if (product > MAX_ARRAY) {
        throw new IllegalArgumentException(
            String.format(
                "%s of %s has more elements than an array holds (2^31 - 9)",
                what, Arrays.toString(extents)));
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
