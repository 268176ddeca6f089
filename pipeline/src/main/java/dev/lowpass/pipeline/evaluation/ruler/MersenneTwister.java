package dev.lowpass.pipeline.evaluation.ruler;

/** MT19937 (Matsumoto and Nishimura 1998), the generator under Python's and NumPy's. */
final class MersenneTwister {
  private static final int SIZE = 624;
  private static final int SHIFT = 397;

  private final int[] state = new int[SIZE];
  private int next = SIZE;

  private MersenneTwister() {}

  /** The authors' {@code init_genrand}. */
  static MersenneTwister seeded(int seed) {
    MersenneTwister twister = new MersenneTwister();
    int[] state = twister.state;
    state[0] = seed;
    for (int i = 1; i < SIZE; i++) {
      state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
    }
    return twister;
  }

  /** The authors' {@code init_by_array}, for a key of one word. */
  static MersenneTwister keyed(int key) {
    MersenneTwister twister = seeded(19650218);
    int[] state = twister.state;
    int i = 1;
    for (int k = 0; k < SIZE; k++) {
      state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >>> 30)) * 1664525)) + key;
      i = after(i, state);
    }
    for (int k = 1; k < SIZE; k++) {
      state[i] = (state[i] ^ ((state[i - 1] ^ (state[i - 1] >>> 30)) * 1566083941)) - i;
      i = after(i, state);
    }
    state[0] = 0x80000000;
    return twister;
  }

  private static int after(int i, int[] state) {
    if (i + 1 < SIZE) {
      return i + 1;
    }
    state[0] = state[SIZE - 1];
    return 1;
  }

  /** The next 32 bits. */
  int nextInt() {
    if (next == SIZE) {
      for (int i = 0; i < SIZE; i++) {
        int word = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7FFFFFFF);
        state[i] = state[(i + SHIFT) % SIZE] ^ (word >>> 1) ^ ((word & 1) == 0 ? 0 : 0x9908B0DF);
      }
      next = 0;
    }
    int word = state[next++];
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9D2C5680;
    word ^= (word << 15) & 0xEFC60000;
    return word ^ (word >>> 18);
  }
}
