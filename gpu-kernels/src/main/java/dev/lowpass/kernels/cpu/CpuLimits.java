package dev.lowpass.kernels.cpu;

import java.util.Optional;
import java.util.function.LongSupplier;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * What the processor can do at the most: limits that speeds are told as shares of. Decoding cannot
 * read weights and cache faster than {@code readBytes}; a prefill in float32 cannot multiply and
 * add faster than {@code flops}.
 *
 * @param readBytes bytes a second that the threads together read from memory
 * @param flops float32 operations a second that they do in fused multiply-adds, two each
 */
public record CpuLimits(double readBytes, double flops) {
  /** More than a processor's caches hold, so that memory is what is read. */
  private static final int MOST_FLOATS = 1 << 27;

  private static final int LEAST_FLOATS = 1 << 22;
  private static final int SLICES = 8;

  /** How long each limit is looked for; the best pass counts. */
  private static final long NANOS = 300_000_000;

  /**
   * Measures both, which takes a second.
   *
   * @return empty where the JVM has no Vector API, so that nothing comes near the limits
   */
  public static Optional<CpuLimits> measure(int threads) {
    if (!KernelsProvider.hasVectors()) {
      return Optional.empty();
    }
    try (Team team = new Team(threads)) {
      float[] data = memory();
      double read = Math.max(best(reading(team, data, 1)), best(reading(team, data, 4)));
      return Optional.of(new CpuLimits(read, best(() -> Loops.multiplyAdd(team))));
    }
  }

  /**
   * Passes over an eighth of the data each, one after the other: short, so that some are left alone
   * by whatever else runs, and back only when the rest has driven the first from the caches.
   */
  private static LongSupplier reading(Team team, float[] data, int streams) {
    int slice = data.length / SLICES;
    int[] next = new int[1];
    return () -> {
      int from = next[0];
      next[0] = (from + slice) % data.length;
      return Loops.read(team, data, from, slice, streams);
    };
  }

  /**
   * As much as the JVM gives, with pages of its own: an array, as weights in blocks are read from.
   */
  private static float[] memory() {
    for (int floats = MOST_FLOATS; ; floats /= 2) {
      try {
        // Set to zero, so every page is there.
        return new float[floats];
      } catch (OutOfMemoryError e) {
        if (floats == LEAST_FLOATS) {
          throw e;
        }
      }
    }
  }

  /** The most that passes do a second. */
  private static double best(LongSupplier pass) {
    double best = 0;
    long start = System.nanoTime();
    long now = start;
    while (now - start < NANOS) {
      long begun = now;
      long done = pass.getAsLong();
      now = System.nanoTime();
      best = Math.max(best, done * 1e9 / (now - begun));
    }
    return best;
  }

  /** The loops themselves: a class of its own, which loads where the Vector API is there. */
  private static final class Loops {
    private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
    private static final int LANES = FLOATS.length();

    /** Of a pass: many, so that threads which end at different times do not matter. */
    private static final int PARTS = 64;

    private static final int STEPS = 20_000;

    /**
     * Chains a loop has: twelve hide the latency of two units, and leave registers for operands.
     */
    private static final int CHAINS = 12;

    /** Where results go, so that they are needed. */
    @SuppressWarnings("unused")
    private static volatile float sink;

    private Loops() {}

    /** Sums {@code length} floats, each part of them in so many streams. Returns the bytes. */
    static long read(Team team, float[] data, int from, int length, int streams) {
      int floats = length / PARTS;
      team.run(
          PARTS,
          (part, worker) -> {
            int start = from + part * floats;
            sink = streams == 1 ? sum(data, start, floats) : sum4(data, start, floats);
          });
      return (long) length * Float.BYTES;
    }

    private static float sum(float[] data, int from, int floats) {
      FloatVector s0 = FloatVector.zero(FLOATS);
      FloatVector s1 = s0;
      FloatVector s2 = s0;
      FloatVector s3 = s0;
      for (int i = from; i < from + floats; i += 4 * LANES) {
        s0 = s0.add(FloatVector.fromArray(FLOATS, data, i));
        s1 = s1.add(FloatVector.fromArray(FLOATS, data, i + LANES));
        s2 = s2.add(FloatVector.fromArray(FLOATS, data, i + 2 * LANES));
        s3 = s3.add(FloatVector.fromArray(FLOATS, data, i + 3 * LANES));
      }
      return s0.add(s1).add(s2.add(s3)).lane(0);
    }

    private static float sum4(float[] data, int from, int floats) {
      FloatVector s0 = FloatVector.zero(FLOATS);
      FloatVector s1 = s0;
      FloatVector s2 = s0;
      FloatVector s3 = s0;
      int quarter = floats / 4;
      for (int i = from; i < from + quarter; i += LANES) {
        s0 = s0.add(FloatVector.fromArray(FLOATS, data, i));
        s1 = s1.add(FloatVector.fromArray(FLOATS, data, i + quarter));
        s2 = s2.add(FloatVector.fromArray(FLOATS, data, i + 2 * quarter));
        s3 = s3.add(FloatVector.fromArray(FLOATS, data, i + 3 * quarter));
      }
      return s0.add(s1).add(s2.add(s3)).lane(0);
    }

    /** Multiplies and adds in registers. Returns the operations. */
    static long multiplyAdd(Team team) {
      team.run(PARTS, (part, worker) -> sink = chains(1 + part));
      return 2L * PARTS * STEPS * CHAINS * LANES;
    }

    private static float chains(float seed) {
      FloatVector factor = FloatVector.broadcast(FLOATS, 0.999f);
      FloatVector term = FloatVector.broadcast(FLOATS, 0.001f);
      FloatVector c0 = FloatVector.broadcast(FLOATS, seed + 0);
      FloatVector c1 = FloatVector.broadcast(FLOATS, seed + 1);
      FloatVector c2 = FloatVector.broadcast(FLOATS, seed + 2);
      FloatVector c3 = FloatVector.broadcast(FLOATS, seed + 3);
      FloatVector c4 = FloatVector.broadcast(FLOATS, seed + 4);
      FloatVector c5 = FloatVector.broadcast(FLOATS, seed + 5);
      FloatVector c6 = FloatVector.broadcast(FLOATS, seed + 6);
      FloatVector c7 = FloatVector.broadcast(FLOATS, seed + 7);
      FloatVector c8 = FloatVector.broadcast(FLOATS, seed + 8);
      FloatVector c9 = FloatVector.broadcast(FLOATS, seed + 9);
      FloatVector c10 = FloatVector.broadcast(FLOATS, seed + 10);
      FloatVector c11 = FloatVector.broadcast(FLOATS, seed + 11);
      for (int i = 0; i < STEPS; i++) {
        c0 = c0.fma(factor, term);
        c1 = c1.fma(factor, term);
        c2 = c2.fma(factor, term);
        c3 = c3.fma(factor, term);
        c4 = c4.fma(factor, term);
        c5 = c5.fma(factor, term);
        c6 = c6.fma(factor, term);
        c7 = c7.fma(factor, term);
        c8 = c8.fma(factor, term);
        c9 = c9.fma(factor, term);
        c10 = c10.fma(factor, term);
        c11 = c11.fma(factor, term);
      }
      FloatVector low = c0.add(c1).add(c2.add(c3)).add(c4.add(c5));
      FloatVector high = c6.add(c7).add(c8.add(c9)).add(c10.add(c11));
      return low.add(high).lane(0);
    }
  }
}
