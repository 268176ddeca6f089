package dev.lowpass.kernels;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * What becomes of the entries that a layer of a cache holds: segments in the order of the entries
 * that they leave, each of which goes to the place behind the one before it. The ranges that they
 * take come in any order, so a plan may also rearrange; no two of them overlap, except a {@link
 * Best} and its {@link Rest}. Entries that no segment names are dropped. A policy makes plans from
 * lengths alone; {@link Device#apply} carries them out, alike for every kv head but for the scores
 * that each ranks its own entries by.
 *
 * @param length entries the layer holds before
 * @param segments what is left of them, in order
 */
public record CachePlan(int length, List<Segment> segments) {
  /** Entries {@code [from, to)}, and how many they become. */
  public sealed interface Segment permits Keep, LowPass, Best, Rest {
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

  /**
   * The entries with the best scores, each kv head's its own, in the order of their places (FastKV,
   * SnapKV). Of equal scores the lower place's is the better.
   *
   * @param count how many, from 0 to all of the range
   */
  public record Best(int from, int to, int count) implements Segment {
    public Best {
      checkCount(from, to, count);
    }

    @Override
    public int length() {
      return count;
    }
  }

  /**
   * The entries that {@link Best} of the same range and count leaves over, in the order of their
   * places.
   *
   * @param count how many are better
   */
  public record Rest(int from, int to, int count) implements Segment {
    public Rest {
      checkCount(from, to, count);
    }

    @Override
    public int length() {
      return to - from - count;
    }
  }

  public CachePlan {
    segments = List.copyOf(segments);
    List<Segment> byPlace = new ArrayList<>(segments);
    byPlace.sort(Comparator.comparingInt(Segment::from).thenComparingInt(Segment::to));
    int end = 0;
    Segment before = null;
    for (Segment segment : byPlace) {
      boolean apart = segment.from() >= end || areBestAndRest(before, segment);
      if (!apart || segment.to() < segment.from() || segment.to() > length) {
        throw new IllegalArgumentException(
            "%s of a plan for %d entries: segments are apart, and end before %d"
                .formatted(segment, length, length + 1));
      }
      // A third one of the same range finds no partner any more.
      before = segment.from() < end ? null : segment;
      end = segment.to();
    }
  }

  public static CachePlan of(int length, Segment... segments) {
    return new CachePlan(length, List.of(segments));
  }

  /** Entries the layer holds after it. */
  public int result() {
    return segments.stream().mapToInt(Segment::length).sum();
  }

  /** Whether entries are ranked by their scores. */
  public boolean ranks() {
    return segments.stream().anyMatch(s -> s instanceof Best || s instanceof Rest);
  }

  private static boolean areBestAndRest(Segment one, Segment other) {
    return one instanceof Best best && other.equals(new Rest(best.from, best.to, best.count))
        || one instanceof Rest rest && other.equals(new Best(rest.from, rest.to, rest.count));
  }

  private static void checkCount(int from, int to, int count) {
    if (count < 0 || count > to - from) {
      throw new IllegalArgumentException(
          "the best %d of entries [%d, %d): there are not as many".formatted(count, from, to));
    }
  }
}
