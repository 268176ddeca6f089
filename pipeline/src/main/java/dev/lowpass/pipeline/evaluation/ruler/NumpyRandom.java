package dev.lowpass.pipeline.evaluation.ruler;

/** NumPy's global generator after {@code numpy.random.seed(seed)}. */
final class NumpyRandom {
  private final MersenneTwister twister;

  NumpyRandom(int seed) {
    twister = MersenneTwister.seeded(seed);
  }

  /** {@code numpy.random.randint(from, to)}, without {@code to}. */
  int between(int from, int to) {
    int last = to - 1 - from;
    int mask = (Integer.highestOneBit(last) << 1) - 1;
    int drawn = twister.nextInt() & mask;
    while (drawn > last) {
      drawn = twister.nextInt() & mask;
    }
    return from + drawn;
  }
}
