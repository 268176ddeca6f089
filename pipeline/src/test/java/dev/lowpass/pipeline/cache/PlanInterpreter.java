package dev.lowpass.pipeline.cache;

import dev.lowpass.kernels.CachePlan;
import java.util.ArrayList;
import java.util.List;

/** Carries out plans in float64 on lists of entries, by the definitions and for clarity alone. */
public final class PlanInterpreter {
  private PlanInterpreter() {}

  /**
   * What a plan leaves.
   *
   * @param entries values, or keys before rotation: {@code [entries][channels]}
   */
  public static List<double[]> apply(CachePlan plan, List<double[]> entries) {
    List<double[]> left = new ArrayList<>();
    for (CachePlan.Segment segment : plan.segments()) {
      List<double[]> taken = entries.subList(segment.from(), segment.to());
      left.addAll(segment instanceof CachePlan.LowPass ? lowPass(taken, segment.length()) : taken);
    }
    return left;
  }

  /** An orthonormal DCT-II of size M, the first L coefficients, its inverse of size L, scaled. */
  private static List<double[]> lowPass(List<double[]> entries, int length) {
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
