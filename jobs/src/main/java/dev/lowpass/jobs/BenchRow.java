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
  private final PeerRuns peer;

  /**
   * @param peer what another engine does with the same prompts, shared by the policies: it knows
   *     none of them
   */
  BenchRow(PolicyName policy, int promptTokens, int batch, PeerRuns peer) {
    this.policy = policy;
    this.promptTokens = promptTokens;
    this.batch = batch;
    this.peer = peer;
  }

  void add(BenchRun run) {
    runs.add(run);
  }

  PeerRuns peer() {
    return peer;
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
    return Medians.of(runs.stream().mapToDouble(figure).toArray());
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
