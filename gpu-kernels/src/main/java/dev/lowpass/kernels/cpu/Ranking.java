package dev.lowpass.kernels.cpu;

/** Which of some scores are the best; the lower index where two are equal. */
final class Ranking {
  private int[] keys = new int[0];

  /**
   * Writes the indices of the best scores, counted from {@code offset}, in ascending order.
   *
   * @param size scores from {@code offset} on
   * @param count how many are the best, from 0 to all
   */
  void best(float[] scores, int offset, int size, int count, int[] out, int at) {
    int threshold = rank(scores, offset, size, count);
    int equal = count - above(size, threshold);
    int to = at;
    for (int i = 0; i < size; i++) {
      if (keys[i] > threshold || keys[i] == threshold && equal-- > 0) {
        out[to++] = i;
      }
    }
  }

  /** Writes the indices of all but the best scores, as {@link #best} does. */
  void rest(float[] scores, int offset, int size, int count, int[] out, int at) {
    int threshold = rank(scores, offset, size, count);
    int equal = count - above(size, threshold);
    int to = at;
    for (int i = 0; i < size; i++) {
      if (keys[i] < threshold || keys[i] == threshold && equal-- <= 0) {
        out[to++] = i;
      }
    }
  }

  /** Sets the keys, and returns the largest number that {@code count} of them reach. */
  private int rank(float[] scores, int offset, int size, int count) {
    if (keys.length < size) {
      keys = new int[size];
    }
    for (int i = 0; i < size; i++) {
      keys[i] = key(scores[offset + i]);
    }
    if (count == 0) {
      return Integer.MAX_VALUE;
    }
    // Bit by bit, the sign first. Turned, it orders signed numbers as unsigned ones.
    int threshold = 0;
    for (int bit = 31; bit >= 0; bit--) {
      int higher = threshold | 1 << bit;
      int least = higher ^ Integer.MIN_VALUE;
      int reached = 0;
      for (int i = 0; i < size; i++) {
        reached += keys[i] >= least ? 1 : 0;
      }
      if (reached >= count) {
        threshold = higher;
      }
    }
    return threshold ^ Integer.MIN_VALUE;
  }

  private int above(int size, int threshold) {
    int above = 0;
    for (int i = 0; i < size; i++) {
      above += keys[i] > threshold ? 1 : 0;
    }
    return above;
  }

  /** An integer in the order of the floats; both zeros are one. */
  private static int key(float score) {
    int bits = Float.floatToIntBits(score + 0f);
    return bits ^ bits >> 31 & Integer.MAX_VALUE;
  }
}
