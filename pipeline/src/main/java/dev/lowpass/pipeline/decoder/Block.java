package dev.lowpass.pipeline.decoder;

import java.util.Arrays;

/**
 * A block of tokens on its way through the layers of a sequence, and the probe behind it. All its
 * rows go through a stretch of layers before any goes on: one stretch as a rule, two where FastKV
 * selects between them.
 */
final class Block {
  private final int[] tokens;
  private final int length;
  private final int window;
  private final boolean logits;
  private int firstLayer;
  private int endLayer;
  private int rows;
  private int from;

  /**
   * @param tokens the block's
   * @param probe tokens behind it that observe and are not stored
   * @param window the block's own last rows, if they are what observes
   * @param logits whether those of the last row are wanted
   */
  Block(int[] tokens, int[] probe, int window, boolean logits) {
    this.length = tokens.length;
    this.tokens = Arrays.copyOf(tokens, length + probe.length);
    System.arraycopy(probe, 0, this.tokens, length, probe.length);
    this.window = window;
    this.logits = logits;
  }

  /** Begins a stretch of layers with so many of the block's rows, and the probe's. */
  void enter(int firstLayer, int endLayer, int blockRows) {
    this.firstLayer = firstLayer;
    this.endLayer = endLayer;
    rows = blockRows + probe();
    from = 0;
  }

  /** Rows have gone through the stretch; returns whether those were its last. */
  boolean advance(int count) {
    from += count;
    return from == rows;
  }

  /**
   * Rows for a pass that has room for {@code most}. What observes is not divided, and may take up
   * to {@code limit}.
   */
  int next(int most, int limit) {
    int left = rows - from;
    if (left <= most) {
      return left;
    }
    int divisible = left - observers();
    if (divisible > 0) {
      return Math.max(0, Math.min(most, divisible));
    }
    return left <= limit ? left : 0;
  }

  int[] tokens(int count) {
    return Arrays.copyOfRange(tokens, from, from + count);
  }

  /** Tokens of the block alone. */
  int length() {
    return length;
  }

  int probe() {
    return tokens.length - length;
  }

  int window() {
    return window;
  }

  /** Rows at the end that score the others. */
  int observers() {
    return probe() + window;
  }

  boolean logits() {
    return logits;
  }

  int firstLayer() {
    return firstLayer;
  }

  int endLayer() {
    return endLayer;
  }

  /** The next pass's first row, of those of the stretch. */
  int from() {
    return from;
  }

  /** Whether a pass of so many rows ends the stretch. */
  boolean ends(int count) {
    return from + count == rows;
  }
}
