package dev.lowpass.pipeline.cache;

import dev.lowpass.kernels.CachePlan;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** Carries out plans in float64 on lists of entries, by the definitions and for clarity alone. */
public final class PlanInterpreter {
  private PlanInterpreter() {}

  /**
   * What a plan without choices leaves.
   *
   * @param entries values, or keys before rotation: {@code [entries][channels]}
   */
  public static List<double[]> apply(CachePlan plan, List<double[]> entries) {
    return apply(plan, entries, new double[0]);
  }

  /**
   * What a plan leaves of a kv head's entries.
   *
   * @param scores each entry's
   */
  public static List<double[]> apply(CachePlan plan, List<double[]> entries, double[] scores) {
    List<double[]> left = new ArrayList<>();
    for (CachePlan.Segment segment : plan.segments()) {
      List<double[]> taken = entries.subList(segment.from(), segment.to());
      if (segment instanceof CachePlan.LowPass) {
        left.addAll(lowPass(taken, segment.length()));
      } else if (segment instanceof CachePlan.Best best) {
        chosen(best.from(), best.to(), best.count(), scores).forEach(i -> left.add(entries.get(i)));
      } else if (segment instanceof CachePlan.Rest rest) {
        Set<Integer> chosen = Set.copyOf(chosen(rest.from(), rest.to(), rest.count(), scores));
        for (int i = rest.from(); i < rest.to(); i++) {
          if (!chosen.contains(i)) {
            left.add(entries.get(i));
          }
        }
      } else {
        left.addAll(taken);
      }
    }
    return left;
  }

  /** The places of the best, in order; of equal scores the lower place's is the better. */
  public static List<Integer> chosen(int from, int to, int count, double[] scores) {
    return IntStream.range(from, to)
        .boxed()
        .sorted(Comparator.comparingDouble((Integer i) -> -scores[i]).thenComparing(i -> i))
        .limit(count)
        .sorted()
        .toList();
  }

  /** An orthonormal DCT-II of size M, the first L coefficients, its inverse of size L, scaled. */
  public static List<double[]> lowPass(List<double[]> entries, int length) {
    int size = entries.size();
    int channels = entries.get(0).length;
    double[][] coefficients = new double[length][channels];
    for (int k = 0; k < length; k++) {
      for (int j = 0; j < size; j++) {
        double weight = basis(k, j, size);
        for (int c = 0; c < channels; c++) {
          coefficients[k][c] += weight * entries.get(j)[c];
        }
      }
    }
    List<double[]> left = new ArrayList<>();
    for (int i = 0; i < length; i++) {
      double[] entry = new double[channels];
      for (int k = 0; k < length; k++) {
        double weight = Math.sqrt((double) length / size) * basis(k, i, length);
        for (int c = 0; c < channels; c++) {
          entry[c] += weight * coefficients[k][c];
        }
      }
      left.add(entry);
    }
    return left;
  }

  private static double basis(int frequency, int sample, int size) {
    double norm = Math.sqrt((frequency == 0 ? 1.0 : 2.0) / size);
    return norm * Math.cos(Math.PI * frequency * (2 * sample + 1) / (2.0 * size));
  }
}
