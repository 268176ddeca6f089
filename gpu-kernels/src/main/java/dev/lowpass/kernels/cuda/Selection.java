package dev.lowpass.kernels.cuda;

/** Selections by score: {@code select.cu}. */
final class Selection {
  private final Gpu gpu;
  private final Scratch sums;

  Selection(Gpu gpu) {
    this.gpu = gpu;
    sums = new Scratch(gpu.arena(), "a selection of rows");
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
}
