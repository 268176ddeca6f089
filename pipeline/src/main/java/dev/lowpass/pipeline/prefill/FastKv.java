package dev.lowpass.pipeline.prefill;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CachePlan.Best;
import dev.lowpass.kernels.CachePlan.Keep;

/**
 * FastKV (arXiv 2502.01068) as counts and plans: which tokens go on after layer T, and which of a
 * full cache's entries each layer keeps. Scores decide later, on the device.
 *
 * @param options resolved; {@link PrefillOptions#selects}
 * @param sinks S: the first tokens of a prompt are always among them
 */
public record FastKv(PrefillOptions options, int sinks) {
  /**
   * Rows that go on, of a block of them: its first, the best of those between, its last.
   *
   * @param rows the block's
   */
  public record Selection(int rows, int first, int best, int last) {
    /** Rows that go on. */
    public int length() {
      return first + best + last;
    }

    /** Whether all do. */
    public boolean all() {
      return length() == rows;
    }
  }

  /** T: layers after it see the selected tokens alone. */
  public int layer() {
    return options.tspLayer();
  }

  /**
   * Token-selective propagation (FastKV section 3.2): {@code floor(tau * rows)} of a block, those
   * that must be among them.
   *
   * @param rows tokens of the block
   * @param start tokens of the prompt before it
   * @param last tokens at its end that go on whatever their scores: those that observe
   */
  public Selection propagate(int rows, int start, int last) {
    int first = Math.min(rows, Math.max(0, sinks - start));
    int share = options.tspLength() > 0 ? options.tspLength() : (int) (options.tspRate() * rows);
    int count = Math.max(share, first + last);
    return count >= rows
        ? new Selection(rows, rows, 0, 0)
        : new Selection(rows, first, count - first - last, last);
  }

  /**
   * What a layer keeps of a prompt in a full cache (FastKV section 3.1): the best of its capacity.
   * Layers after T keep {@code rho / tau} of the fewer tokens that they see, so about as many as
   * the others. A prompt that is shorter than the capacity, or too short to choose from, is kept
   * whole.
   *
   * @param tokens the layer's entries
   * @param prompt tokens of the prompt
   * @param last entries at the end that are kept whatever their scores: those that observe
   */
  public CachePlan retain(int layer, int tokens, int prompt, int last) {
    int capacity = capacity(layer, tokens, prompt);
    int first = Math.min(sinks, tokens);
    if (capacity >= tokens || capacity <= first + last) {
      return CachePlan.of(tokens, new Keep(0, tokens));
    }
    return CachePlan.of(
        tokens,
        new Keep(0, first),
        new Best(first, tokens - last, capacity - first - last),
        new Keep(tokens - last, tokens));
  }

  private int capacity(int layer, int tokens, int prompt) {
    double rho = options.retentionRate();
    if (options.retentionTokens() > 0) {
      return options.retentionTokens();
    }
    if (layer <= layer()) {
      return (int) (rho * tokens);
    }
    return options.tspLength() > 0
        ? (int) (rho * prompt)
        : (int) (Math.min(1, rho / options.tspRate()) * tokens);
  }
}
