package dev.lowpass.kernels.cpu;

import java.util.HashMap;
import java.util.Map;
import org.jtransforms.dct.DoubleDCT_1D;
import org.visnow.jlargearrays.ConcurrencyUtils;

/**
 * Low-pass filters that shorten: M samples to L, as {@link dev.lowpass.kernels.CachePlan.LowPass}
 * says.
 */
final class Dct {
  /** Sizes whose tables are kept: a policy uses the same two again and again. */
  private static final int KEPT = 8;

  static {
    // The device's team shares channels out; JTransforms would start threads of its own above 8192.
    ConcurrencyUtils.setNumberOfThreads(1);
  }

  private final Map<Integer, DoubleDCT_1D> transforms = new HashMap<>();

  /** A filter, for any number of threads. */
  static final class Filter {
    private final DoubleDCT_1D forward;
    private final DoubleDCT_1D inverse;
    private final int length;
    private final double scale;

    private Filter(DoubleDCT_1D forward, DoubleDCT_1D inverse, int size, int length) {
      this.forward = forward;
      this.inverse = inverse;
      this.length = length;
      this.scale = Math.sqrt((double) length / size);
    }

    /** Replaces the M samples from {@code offset} on by L; those after them are left over. */
    void run(double[] samples, int offset) {
      transform(samples, offset);
      restore(samples, offset);
    }

    /** Replaces the M samples from {@code offset} on by their coefficients. */
    void transform(double[] samples, int offset) {
      forward.forward(samples, offset, true);
    }

    /** Replaces the coefficients by the L samples of the lowest. */
    void restore(double[] samples, int offset) {
      inverse.inverse(samples, offset, true);
      for (int i = offset; i < offset + length; i++) {
        samples[i] *= scale;
      }
    }
  }

  /** A filter from {@code size} samples to {@code length}, at least 1. */
  Filter filter(int size, int length) {
    return new Filter(transform(size), transform(length), size, length);
  }

  /** The orthonormal DCT-II of a size and its inverse. */
  DoubleDCT_1D transform(int size) {
    if (transforms.size() >= KEPT && !transforms.containsKey(size)) {
      transforms.clear();
    }
    return transforms.computeIfAbsent(size, DoubleDCT_1D::new);
  }
}
