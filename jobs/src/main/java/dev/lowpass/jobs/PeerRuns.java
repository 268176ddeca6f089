package dev.lowpass.jobs;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** What another engine does with some prompts, each kept in full. */
final class PeerRuns {
  private final int tokens;
  private final List<PeerBench.Speeds> runs = new ArrayList<>();

  /**
   * @param tokens of all the prompts together
   */
  PeerRuns(int tokens) {
    this.tokens = tokens;
  }

  void add(PeerBench.Speeds run) {
    runs.add(run);
  }

  int count() {
    return runs.size();
  }

  /** Prompt tokens a second; not a number where there are none. */
  double read() {
    return median(PeerBench.Speeds::read);
  }

  /** The same of what it wrote behind them. */
  double written() {
    return median(PeerBench.Speeds::written);
  }

  /** Until all of the prompts are read; not a number where nothing is. */
  double firstTokenSeconds() {
    return tokens / read();
  }

  private double median(ToDoubleFunction<PeerBench.Speeds> figure) {
    return Medians.of(runs.stream().mapToDouble(figure).toArray());
  }
}
