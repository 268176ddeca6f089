package dev.lowpass.jobs;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * A policy, a prompt's length and how many are in flight; and its runs: none if it does not fit.
 */
final class BenchRow {
  private final PolicyName policy;
  private final int promptTokens;
  private final int batch;
  private final List<BenchRun> runs = new ArrayList<>();

  BenchRow(PolicyName policy, int promptTokens, int batch) {
    this.policy = policy;
    this.promptTokens = promptTokens;
    this.batch = batch;
  }

  void add(BenchRun run) {
    runs.add(run);
  }

  PolicyName policy() {
    return policy;
  }

  int promptTokens() {
    return promptTokens;
  }

  /** Prompts at once. */
  int batch() {
    return batch;
  }

  List<BenchRun> runs() {
    return runs;
  }

  boolean fits() {
    return !runs.isEmpty();
  }

  /** The median of a figure over the runs; not a number where there are none. */
  double median(ToDoubleFunction<BenchRun> figure) {
    double[] sorted = runs.stream().mapToDouble(figure).sorted().toArray();
    int middle = sorted.length / 2;
    if (sorted.length == 0) {
      return Double.NaN;
    }
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** Microseconds of prefill a prompt token. */
  double microsPerToken() {
    return median(BenchRun::prefillSeconds) * 1e6 / ((double) promptTokens * batch);
  }

  /** Resident memory at its peak in bytes, or the heap's where the system does not tell. */
  double peakMemory() {
    return median(run -> run.peakResident() < 0 ? run.peakHeap() : run.peakResident());
  }
}
