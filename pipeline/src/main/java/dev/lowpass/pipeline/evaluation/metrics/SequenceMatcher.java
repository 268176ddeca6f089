package dev.lowpass.pipeline.evaluation.metrics;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The similarity that Python's {@code difflib.SequenceMatcher} gives two texts: Ratcliff and
 * Obershelp's gestalt matching, code point by code point. As there, in a second text of 200
 * characters and more a match does not start at a character that makes up over one percent of it.
 */
final class SequenceMatcher {
  private static final int POPULAR_FROM_LENGTH = 200;

  /** {@code a[aStart, aStart + size) == b[bStart, bStart + size)}. */
  private record Match(int aStart, int bStart, int size) {}

  private record Range(int aFrom, int aTo, int bFrom, int bTo) {}

  private final int[] a;
  private final int[] b;

  /** The places of b's characters, ascending, without popular ones. */
  private final Map<Integer, List<Integer>> places = new HashMap<>();

  private SequenceMatcher(String a, String b) {
    this.a = a.codePoints().toArray();
    this.b = b.codePoints().toArray();
    for (int j = 0; j < this.b.length; j++) {
      places.computeIfAbsent(this.b[j], c -> new ArrayList<>()).add(j);
    }
    if (this.b.length >= POPULAR_FROM_LENGTH) {
      int most = this.b.length / 100 + 1;
      places.values().removeIf(found -> found.size() > most);
    }
  }

  /** Twice the characters that match, over all there are: 0 to 1, not symmetric. */
  static double ratio(String a, String b) {
    SequenceMatcher matcher = new SequenceMatcher(a, b);
    int all = matcher.a.length + matcher.b.length;
    return all == 0 ? 1 : 2.0 * matcher.matching() / all;
  }

  private int matching() {
    int matching = 0;
    Deque<Range> open = new ArrayDeque<>();
    open.push(new Range(0, a.length, 0, b.length));
    while (!open.isEmpty()) {
      Range range = open.pop();
      Match match = longest(range);
      if (match.size > 0) {
        matching += match.size;
        open.push(new Range(range.aFrom, match.aStart, range.bFrom, match.bStart));
        open.push(
            new Range(match.aStart + match.size, range.aTo, match.bStart + match.size, range.bTo));
      }
    }
    return matching;
  }

  /** The longest match in a range; of several the first in a, then the first in b. */
  private Match longest(Range range) {
    int bestA = range.aFrom;
    int bestB = range.bFrom;
    int bestSize = 0;
    // By place in b, the length of the match that ends there and at the last place in a.
    Map<Integer, Integer> before = Map.of();
    for (int i = range.aFrom; i < range.aTo; i++) {
      Map<Integer, Integer> lengths = new HashMap<>();
      for (int j : places.getOrDefault(a[i], List.of())) {
        if (j < range.bFrom || j >= range.bTo) {
          continue;
        }
        int length = before.getOrDefault(j - 1, 0) + 1;
        lengths.put(j, length);
        if (length > bestSize) {
          bestA = i - length + 1;
          bestB = j - length + 1;
          bestSize = length;
        }
      }
      before = lengths;
    }
    // A match does not start at a popular character, but it runs on over them.
    while (bestA > range.aFrom && bestB > range.bFrom && a[bestA - 1] == b[bestB - 1]) {
      bestA--;
      bestB--;
      bestSize++;
    }
    while (bestA + bestSize < range.aTo
        && bestB + bestSize < range.bTo
        && a[bestA + bestSize] == b[bestB + bestSize]) {
      bestSize++;
    }
    return new Match(bestA, bestB, bestSize);
  }
}
