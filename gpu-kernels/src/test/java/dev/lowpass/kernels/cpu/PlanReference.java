package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CachePlan.Best;
import dev.lowpass.kernels.CachePlan.LowPass;
import dev.lowpass.kernels.CachePlan.Rest;
import dev.lowpass.kernels.Positions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Carries out plans on one kv head in float64, by the definitions and for clarity alone. */
final class PlanReference {
  private PlanReference() {}

  /**
   * An entry.
   *
   * @param key before its rotation
   * @param token which one it is, -1 if a low-pass made it
   */
  record Entry(double[] key, double[] value, float position, int token) {}

  static List<Entry> apply(
      CachePlan plan, List<Entry> entries, float[] scores, Positions positions) {
    List<Entry> left = new ArrayList<>();
    for (CachePlan.Segment segment : plan.segments()) {
      List<Entry> taken = entries.subList(segment.from(), segment.to());
      if (segment instanceof LowPass lowPass) {
        left.addAll(lowPass(taken, lowPass.length()));
      } else if (segment instanceof Best best) {
        order(scores, segment).limit(best.count()).sorted().forEach(i -> left.add(entries.get(i)));
      } else if (segment instanceof Rest rest) {
        order(scores, segment).skip(rest.count()).sorted().forEach(i -> left.add(entries.get(i)));
      } else {
        left.addAll(taken);
      }
    }
    if (positions == Positions.CACHE) {
      for (int i = 0; i < left.size(); i++) {
        Entry entry = left.get(i);
        left.set(i, new Entry(entry.key, entry.value, i, entry.token));
      }
    }
    return left;
  }

  /** A range's places from the best score to the worst, ties in their order. */
  private static IntStream order(float[] scores, CachePlan.Segment segment) {
    return IntStream.range(segment.from(), segment.to())
        .boxed()
        .sorted(Comparator.comparingDouble(i -> -scores[i]))
        .mapToInt(i -> i);
  }

  private static List<Entry> lowPass(List<Entry> entries, int length) {
    double[][] matrix = LowPassMatrix.of(entries.size(), length);
    List<Entry> left = new ArrayList<>();
    for (int i = 0; i < length; i++) {
      double[] key = new double[entries.get(0).key.length];
      double[] value = new double[key.length];
      for (int j = 0; j < entries.size(); j++) {
        for (int c = 0; c < key.length; c++) {
          key[c] += matrix[i][j] * entries.get(j).key[c];
          value[c] += matrix[i][j] * entries.get(j).value[c];
        }
      }
      left.add(new Entry(key, value, centre(entries, i, length), -1));
    }
    return left;
  }

  private static float centre(List<Entry> entries, int i, int length) {
    double last = entries.size() - 1;
    double place = Math.min(last, Math.max(0, (i + 0.5) * entries.size() / length - 0.5));
    double below = entries.get((int) Math.floor(place)).position;
    double above = entries.get((int) Math.ceil(place)).position;
    double share = place - Math.floor(place);
    return (float) ((1 - share) * below + share * above);
  }
}
