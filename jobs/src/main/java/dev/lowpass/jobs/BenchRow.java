package dev.lowpass.jobs;

import dev.lowpass.udfs.settings.PolicyName;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * A policy, a prompt's length and how many are in flight; and its runs: none if it does not fit. A
 * length of 0 stands for writing alone, for which a prompt of one token is read.
 */
final class BenchRow {
  private final PolicyName policy;
  private final int promptTokens;
  private final int batch;
  private final List<BenchRun> runs = new ArrayList<>();
  private final List<Double> peerReads = new ArrayList<>();
  private final List<Double> peerWrites = new ArrayList<>();

  BenchRow(PolicyName policy, int promptTokens, int batch) {
    this.policy = policy;
    this.promptTokens = promptTokens;
    this.batch = batch;
  }

  void add(BenchRun run) {
    runs.add(run);
  }

  /** Whether other engines' benches do the same: one prompt at a time, and nothing left out. */
  boolean hasPeer() {
    return batch == 1 && !policy.chooses();
  }

  /** A run of another engine's: tokens a second that it read and wrote. */
  void addPeer(double read, double written) {
    peerReads.add(read);
    peerWrites.add(written);
  }

  /** Prompt tokens a second of the other engine's; not a number where there are none. */
  double peerRead() {
    return median(peerReads);
  }

  /** The same of what it wrote. */
  double peerWritten() {
    return median(peerWrites);
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
    return median(runs.stream().mapToDouble(figure).boxed().toList());
  }

  private static double median(List<Double> figures) {
    double[] sorted = figures.stream().mapToDouble(figure -> figure).sorted().toArray();
    int middle = sorted.length / 2;
    if (sorted.length == 0) {
      return Double.NaN;
    }
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** Whether reading is a part of it. */
  boolean reads() {
    return promptTokens > 0;
  }

  /** Seconds of prefill; not a number where nothing is read. */
  double prefillSeconds() {
    return reads() ? median(BenchRun::prefillSeconds) : Double.NaN;
  }

  /** Microseconds of prefill a prompt token; not a number where nothing is read. */
  double microsPerToken() {
    return prefillSeconds() * 1e6 / ((double) promptTokens * batch);
  }

  /** Prompt tokens a second; not a number where nothing is read. */
  double readTokensPerSecond() {
    return 1e6 / microsPerToken();
  }

  /** From the call to the first token; not a number where nothing is read. */
  double firstTokenSeconds() {
    return reads() ? median(BenchRun::firstTokenSeconds) : Double.NaN;
  }

  /** Resident memory at its peak in bytes, or the heap's where the system does not tell. */
  double peakMemory() {
    return median(run -> run.peakResident() < 0 ? run.peakHeap() : run.peakResident());
  }
}
