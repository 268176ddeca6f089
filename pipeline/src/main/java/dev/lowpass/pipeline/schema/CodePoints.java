package dev.lowpass.pipeline.schema;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntPredicate;

/** A set of Unicode characters (scalar values: surrogates are none), as ranges in rising order. */
final class CodePoints {
  private static final int FIRST_SURROGATE = 0xd800;
  private static final int LAST_SURROGATE = 0xdfff;

  /** Every character. */
  static final CodePoints ALL = range(0, Character.MAX_CODE_POINT);

  /** From {@code first} to {@code last}, both included. */
  record Range(int first, int last) {}

  private final List<Range> ranges;

  private CodePoints(List<Range> ranges) {
    this.ranges = ranges;
  }

  static CodePoints range(int first, int last) {
    List<Range> ranges = new ArrayList<>();
    if (first < FIRST_SURROGATE) {
      ranges.add(new Range(first, Math.min(last, FIRST_SURROGATE - 1)));
    }
    if (last > LAST_SURROGATE) {
      ranges.add(new Range(Math.max(first, LAST_SURROGATE + 1), last));
    }
    return new CodePoints(List.copyOf(ranges));
  }

  /** The characters of a string. */
  static CodePoints of(String characters) {
    List<Range> ranges = new ArrayList<>();
    characters.codePoints().forEach(c -> ranges.addAll(range(c, c).ranges));
    return merged(ranges);
  }

  static CodePoints matching(IntPredicate predicate) {
    List<Range> ranges = new ArrayList<>();
    for (Range all : ALL.ranges) {
      for (int c = all.first; c <= all.last; c++) {
        if (predicate.test(c)) {
          int first = c;
          while (c < all.last && predicate.test(c + 1)) {
            c++;
          }
          ranges.add(new Range(first, c));
        }
      }
    }
    return new CodePoints(List.copyOf(ranges));
  }

  List<Range> ranges() {
    return ranges;
  }

  CodePoints union(CodePoints other) {
    List<Range> both = new ArrayList<>(ranges);
    both.addAll(other.ranges);
    return merged(both);
  }

  private static CodePoints merged(List<Range> ranges) {
    ranges.sort(Comparator.comparingInt(Range::first));
    List<Range> merged = new ArrayList<>();
    for (Range range : ranges) {
      Range last = merged.isEmpty() ? null : merged.get(merged.size() - 1);
      if (last != null && range.first <= last.last + 1) {
        merged.set(merged.size() - 1, new Range(last.first, Math.max(last.last, range.last)));
      } else {
        merged.add(range);
      }
    }
    return new CodePoints(List.copyOf(merged));
  }

  CodePoints complement() {
    List<Range> gaps = new ArrayList<>();
    int next = 0;
    for (Range range : ranges) {
      if (range.first > next) {
        gaps.addAll(range(next, range.first - 1).ranges);
      }
      next = range.last + 1;
    }
    if (next <= Character.MAX_CODE_POINT) {
      gaps.addAll(range(next, Character.MAX_CODE_POINT).ranges);
    }
    return new CodePoints(List.copyOf(gaps));
  }
}
