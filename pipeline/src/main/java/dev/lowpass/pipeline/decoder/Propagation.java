package dev.lowpass.pipeline.decoder;

import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Rows;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.pipeline.prefill.FastKv.Selection;

/**
 * FastKV's way from layer T to the next: a block's rows as T leaves them, and those of them that go
 * on. Hidden states {@code [rows, hidden]} and positions {@code [rows, 1]}.
 */
final class Propagation implements AutoCloseable {
  private final Decoder decoder;
  private final Device device;
  private final Owned memory = new Owned();
  private final Tensor hidden;
  private final Tensor positions;
  private final Tensor selectedHidden;
  private final Tensor selectedPositions;
  private final Rows best;

  /**
   * Takes its memory.
   *
   * @param rows of the longest block and its probe
   * @param selected rows of them that go on, at most
   */
  Propagation(Decoder decoder, int rows, int selected) {
    this.decoder = decoder;
    device = decoder.device();
    try {
      hidden = memory.take(device.tensor(rows, decoder.config().hiddenSize()));
      positions = memory.take(device.tensor(rows, 1));
      selectedHidden = memory.take(device.tensor(selected, decoder.config().hiddenSize()));
      selectedPositions = memory.take(device.tensor(selected, 1));
      best = memory.take(device.rows(rows));
    } catch (RuntimeException | Error e) {
      memory.close();
      throw e;
    }
  }

  /** Keeps rows of a pass that has gone through layer T: the block's from {@code from} on. */
  void keep(int from, int passRow, int count) {
    device.copyRows(hidden, from, decoder.hidden(), passRow, count);
    device.copyRows(positions, from, decoder.positions(), passRow, count);
  }

  /**
   * Selects rows in their order, and the probe's behind them.
   *
   * @param scores of layer T's entries
   * @param start the entry there of the block's first row
   */
  void select(Selection selection, int probe, Tensor scores, int start) {
    int end = selection.rows() - selection.last();
    if (selection.best() > 0) {
      device.best(best, scores, start + selection.first(), start + end, selection.best());
    }
    gather(selectedHidden, hidden, selection, probe);
    gather(selectedPositions, positions, selection, probe);
  }

  private void gather(Tensor out, Tensor in, Selection selection, int probe) {
    device.copyRows(out, 0, in, 0, selection.first());
    if (selection.best() > 0) {
      device.gatherRows(out, selection.first(), in, selection.first(), best);
    }
    int end = selection.first() + selection.best();
    device.copyRows(out, end, in, selection.rows() - selection.last(), selection.last() + probe);
  }

  /** Puts selected rows into a pass that goes on after T, with the positions that they had. */
  void resume(int from, int passRow, int count) {
    device.copyRows(decoder.hidden(), passRow, selectedHidden, from, count);
    device.copyRows(decoder.positions(), passRow, selectedPositions, from, count);
  }

  @Override
  public void close() {
    memory.close();
  }
}
