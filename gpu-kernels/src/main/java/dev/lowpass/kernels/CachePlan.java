package dev.lowpass.kernels;

import java.util.List;

/**
 * What becomes of the entries that a cache holds: segments in the order of the entries, each of
 * which goes to the place behind the one before it. Entries that no segment names are dropped. A
 * policy makes plans from lengths alone; {@link Device#apply} carries them out, alike for every
 * layer and kv head.
 *
 * @param length entries a layer holds before
 * @param segments what is left of them, in order
 */
public record CachePlan(int length, List<Segment> segments) {
  /** Entries {@code [from, to)}, and how many they become. */
  public sealed interface Segment permits Keep, LowPass {
    int from();

    int to();

    /** Entries it leaves. */
    int length();
  }

  /** Entries that stay as they are. */
  public record Keep(int from, int to) implements Segment {
    @Override
    public int length() {
      return to - from;
    }
  }

  /**
   * Entries whose lowest frequencies along the tokens are left (FreqKV): an orthonormal DCT-II of
   * the M = {@code to - from} entries, the first L = {@code length} coefficients, an orthonormal
   * inverse of size L, times {@code sqrt(L / M)}, so that a constant stays what it is. Keys as they
   * were before their rotation; for each channel on its own.
   *
   * @param length L, from 0 (nothing is left) to below M
   */
  public record LowPass(int from, int to, int length) implements Segment {
    public LowPass {
      if (length < 0 || length >= to - from) {
        throw new IllegalArgumentException(
            "a low-pass of entries [%d, %d) to %d: it must leave fewer than it takes"
                .formatted(from, to, length));
      }
    }
  }

  public CachePlan {
    segments = List.copyOf(segments);
    int end = 0;
    for (Segment segment : segments) {
      if (segment.from() < end || segment.to() < segment.from() || segment.to() > length) {
        throw new IllegalArgumentException(
            "%s of a plan for %d entries: segments are in order, and apart, and end before %d"
                .formatted(segment, length, length + 1));
      }
      end = segment.to();
    }
  }

  public static CachePlan of(int length, Segment... segments) {
    return new CachePlan(length, List.of(segments));
  }

  /** Entries a layer holds after it. */
  public int result() {
    return segments.stream().mapToInt(Segment::length).sum();
  }
}
