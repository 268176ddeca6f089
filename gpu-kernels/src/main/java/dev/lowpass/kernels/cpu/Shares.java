package dev.lowpass.kernels.cpu;

import java.util.Arrays;

/**
 * Cuts an operation's units into the parts that a {@link Team} takes one after the other: large
 * ones first, which are long streams to read, and ever smaller ones then (guided self-scheduling).
 * So threads that are not equally fast come to the end together, but for a small part's time.
 */
final class Shares {
  private int[] ends = new int[64];
  private int count;

  /**
   * Cuts anew.
   *
   * @param units how many there are
   * @param least units of a part, but for the last one
   * @param most units of a part, if there are several threads
   * @param together units that take hardly longer than one: a part has a multiple of them, as long
   *     as there are so many
   */
  void cut(int units, int threads, int least, int most, int together) {
    count = 0;
    for (int begin = 0; begin < units; begin = ends[count - 1]) {
      int left = units - begin;
      // Two thirds of an equal share: what one thread is behind by, the others can make up for.
      int share = (int) (2L * left / (3 * threads));
      int size = threads == 1 ? left : Math.max(least, Math.min(most, share));
      if (size % together > 0) {
        size = left < together ? Sizes.ceilDiv(left, threads) : Sizes.roundUp(size, together);
      }
      if (count == ends.length) {
        ends = Arrays.copyOf(ends, 2 * count);
      }
      ends[count++] = begin + Math.min(left, size);
    }
  }

  /** Parts. */
  int count() {
    return count;
  }

  /** A part's first unit. */
  int begin(int part) {
    return part == 0 ? 0 : ends[part - 1];
  }

  /** The unit behind a part's last. */
  int end(int part) {
    return ends[part];
  }
}
