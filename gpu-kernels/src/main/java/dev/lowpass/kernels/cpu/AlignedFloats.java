package dev.lowpass.kernels.cpu;

/**
 * An array that operations use one after the other, with {@link #BEGIN} on a cache line if it can
 * be: a vector of 64 bytes that lies across two lines costs two loads, and then a processor loads
 * no faster than it multiplies.
 *
 * <p>An array's elements begin 16 bytes after it. The garbage collector G1, the JVM's default, puts
 * an array of more than half a region at a region's start and leaves it there. Regions are about a
 * 2048th of the heap, 32 MiB at most.
 */
final class AlignedFloats {
  static final int BEGIN = 12;

  /** Floats of a cache line. */
  static final int LINE = 16;

  /**
   * Floats or integers that keep arrays of two threads apart: what one writes and what the other
   * does would share a cache line otherwise, or one of a pair that the processor fetches together.
   */
  static final int APART = 2 * LINE;

  private float[] floats = new float[0];

  float[] take(long size) {
    if (floats.length < size) {
      floats = new float[Math.toIntExact(Math.max(size, large()))];
    }
    return floats;
  }

  /** Elements, of four bytes, of an array that the garbage collector puts at a region's start. */
  static long large() {
    long bytes = Runtime.getRuntime().maxMemory() / 2048;
    return Math.max(1 << 20, Math.min(17 << 20, bytes)) / Float.BYTES;
  }
}
