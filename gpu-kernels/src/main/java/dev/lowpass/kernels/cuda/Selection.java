package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.Draw;
import java.nio.ByteBuffer;
import java.util.List;

/** Selections by score, {@code select.cu}, and by chance, {@code sample.cu}. */
final class Selection {
  /** A {@code SampleDraw}. */
  private static final int DRAW_BYTES = 24;

  private final Gpu gpu;
  private final Scratch sums;
  private final Scratch draws;
  private final Scratch drawn;

  Selection(Gpu gpu) {
    this.gpu = gpu;
    sums = new Scratch(gpu.arena(), "a selection of rows");
    draws = new Scratch(gpu.arena(), "sampling");
    drawn = new Scratch(gpu.arena(), "sampling");
  }

  /** {@link dev.lowpass.kernels.Device#best}. */
  void best(CudaRows out, CudaTensor scores, int from, int to, int count) {
    int columns = to - from;
    if (count > 0) {
      long summed = sums.address((long) columns * Float.BYTES);
      gpu.arguments()
          .pointer(summed)
          .pointer(scores.address() + (long) from * Float.BYTES)
          .put(scores.rows())
          .put(scores.columns())
          .put(columns);
      gpu.launch(
          "sumScores", Driver.Grid.of(Layout.ceilDiv(columns, 256)), 256, 0, scores, from, to);
      choose(out.address(), 0, summed, 1, columns, columns, count);
    }
    out.set(count, columns);
  }

  /**
   * Splits each row's first {@code columns} scores.
   *
   * @param chosen {@code [rows, best]}, or 0
   * @param rest {@code [rows, columns - best]}, or 0
   */
  void choose(long chosen, long rest, long scores, int rows, int stride, int columns, int best) {
    gpu.arguments()
        .pointer(chosen)
        .pointer(rest)
        .pointer(scores)
        .put(stride)
        .put(columns)
        .put(best);
    gpu.launch("choose", Driver.Grid.of(rows), 1024, 0, rows, columns, best);
  }

  /** {@link dev.lowpass.kernels.Device#sample}; -1 for a row that cannot be sampled. */
  int[] sample(CudaTensor scores, List<Draw> of) {
    int rows = of.size();
    long parameters = draws.address((long) rows * DRAW_BYTES);
    long out = drawn.address((long) rows * Integer.BYTES);
    ByteBuffer bytes = gpu.host(Math.multiplyExact(rows, DRAW_BYTES));
    for (Draw draw : of) {
      bytes.putDouble(draw.uniform()).putFloat(draw.temperature()).putFloat(draw.topP());
      bytes.putInt(draw.topK()).putInt(0);
    }
    gpu.driver().copyToDevice(parameters, bytes.flip());
    gpu.arguments()
        .pointer(out)
        .pointer(scores.address())
        .pointer(parameters)
        .put(scores.columns());
    gpu.launch("sample", Driver.Grid.of(rows), 1024, 0, scores, rows);
    return gpu.readInts(out, rows);
  }
}
