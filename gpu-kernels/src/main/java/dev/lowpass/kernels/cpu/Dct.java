package dev.lowpass.kernels.cpu;

import java.util.HashMap;
import java.util.Map;
import org.jtransforms.fft.DoubleFFT_1D;
import org.visnow.jlargearrays.ConcurrencyUtils;

/**
 * The orthonormal DCT-II, and low-pass filters that shorten: M samples to L, as {@link
 * dev.lowpass.kernels.CachePlan.LowPass} says.
 *
 * <p>A transform is a real FFT of its own size (Makhoul 1980): of the samples with even indices,
 * then those with odd ones backwards, each coefficient turned by a quarter of its frequency.
 * JTransforms' own DCT runs one of twice the size where that is no power of two.
 */
final class Dct {
  /** Sizes whose tables are kept: a policy uses the same two again and again. */
  private static final int KEPT = 8;

  static {
    // The device's team shares channels out; JTransforms would start threads of its own above 8192.
    ConcurrencyUtils.setNumberOfThreads(1);
  }

  private final Map<Integer, Transform> transforms = new HashMap<>();

  /** A transform of one size, for any number of threads. */
  static final class Transform {
    private final int size;
    private final DoubleFFT_1D fft;
    private final double[] cosines;
    private final double[] sines;

    private Transform(int size) {
      this.size = size;
      fft = new DoubleFFT_1D(size);
      cosines = new double[size / 2 + 1];
      sines = new double[size / 2 + 1];
      for (int k = 0; k <= size / 2; k++) {
        cosines[k] = Math.cos(Math.PI * k / (2.0 * size));
        sines[k] = Math.sin(Math.PI * k / (2.0 * size));
      }
    }

    /**
     * Replaces samples by their coefficients.
     *
     * @param work scratch memory for as many
     */
    void forward(double[] samples, int offset, double[] work) {
      for (int i = 0; 2 * i < size; i++) {
        work[i] = samples[offset + 2 * i];
      }
      for (int i = 0; 2 * i + 1 < size; i++) {
        work[size - 1 - i] = samples[offset + 2 * i + 1];
      }
      fft.realForward(work, 0);
      double norm = Math.sqrt(2.0 / size);
      samples[offset] = work[0] / Math.sqrt(size);
      // A pair of coefficients a frequency: the parts of one complex number.
      for (int k = 1; k <= size / 2; k++) {
        double real = work[realAt(k)];
        double imaginary = 2 * k == size ? 0 : work[imaginaryAt(k)];
        samples[offset + k] = norm * (cosines[k] * real + sines[k] * imaginary);
        samples[offset + size - k] = norm * (sines[k] * real - cosines[k] * imaginary);
      }
    }

    /**
     * Replaces coefficients by their samples, times a factor.
     *
     * @param work scratch memory for as many
     */
    void inverse(double[] samples, int offset, double factor, double[] work) {
      double norm = factor * Math.sqrt(size / 2.0);
      work[0] = factor * Math.sqrt(size) * samples[offset];
      for (int k = 1; k <= size / 2; k++) {
        double first = norm * samples[offset + k];
        double second = norm * samples[offset + size - k];
        work[realAt(k)] = cosines[k] * first + sines[k] * second;
        if (2 * k < size) {
          work[imaginaryAt(k)] = sines[k] * first - cosines[k] * second;
        }
      }
      fft.realInverse(work, 0, true);
      for (int i = 0; 2 * i < size; i++) {
        samples[offset + 2 * i] = work[i];
      }
      for (int i = 0; 2 * i + 1 < size; i++) {
        samples[offset + 2 * i + 1] = work[size - 1 - i];
      }
    }

    /** Where JTransforms puts a frequency's real part: an even size's last one has no other. */
    private int realAt(int k) {
      return 2 * k == size ? 1 : 2 * k;
    }

    /**
     * Where it puts the imaginary part: an odd size's last one comes second, where there is room.
     */
    private int imaginaryAt(int k) {
      return 2 * k + 1 == size ? 1 : 2 * k + 1;
    }
  }

  /** A filter, for any number of threads. */
  static final class Filter {
    private final Transform whole;
    private final Transform shorter;

    private Filter(Transform whole, Transform shorter) {
      this.whole = whole;
      this.shorter = shorter;
    }

    /**
     * Replaces the M samples from {@code offset} on by L; those after them are left over.
     *
     * @param work scratch memory for M
     */
    void run(double[] samples, int offset, double[] work) {
      transform(samples, offset, work);
      restore(samples, offset, work);
    }

    /** The first half of {@link #run}: samples become coefficients, all M of them. */
    void transform(double[] samples, int offset, double[] work) {
      whole.forward(samples, offset, work);
    }

    /** The other half: the lowest L coefficients become samples. */
    void restore(double[] samples, int offset, double[] work) {
      double scale = Math.sqrt((double) shorter.size / whole.size);
      shorter.inverse(samples, offset, scale, work);
    }
  }

  /** A filter from {@code size} samples to {@code length}, at least 1. */
  Filter filter(int size, int length) {
    return new Filter(transform(size), transform(length));
  }

  /** The transform of a size. */
  Transform transform(int size) {
    if (transforms.size() >= KEPT && !transforms.containsKey(size)) {
      transforms.clear();
    }
    return transforms.computeIfAbsent(size, Transform::new);
  }
}
