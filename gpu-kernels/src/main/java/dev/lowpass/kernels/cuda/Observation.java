package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.Pooling;
import dev.lowpass.kernels.Span;

/** The scores that a sequence's last rows give its entries: {@code observe.cu}. */
final class Observation {
  /** Keys of a block, and the rows beside them in its shared memory. */
  private static final int KEYS = 64;

  private static final int ROWS = 16;

  private final Gpu gpu;
  private final Scratch sums;

  Observation(Gpu gpu) {
    this.gpu = gpu;
    sums = new Scratch(gpu.arena(), "an observation");
  }

  /** {@link dev.lowpass.kernels.Device#observe}. */
  void run(
      CudaTensor scores,
      CudaTensor queries,
      CudaTensor logSums,
      Span span,
      int observed,
      int layer,
      float scale,
      int window,
      int from,
      int to,
      Pooling pooling) {
    CudaKvCache cache = (CudaKvCache) span.cache();
    int headDim = cache.headDim();
    int kvHeads = cache.kvHeads();
    int heads = queries.columns() / headDim;
    int size = to - from;
    long each = sums.address((long) heads * size * Float.BYTES);
    gpu.arguments()
        .pointer(each)
        .pointer(queries.address())
        .pointer(logSums.address())
        .pointer(cache.layer(layer).keys().address())
        .put(kvHeads)
        .put(heads / kvHeads)
        .put(headDim)
        .put(cache.capacity())
        .put(span.firstRow() + span.rows() - observed)
        .put(observed)
        .put(cache.length(layer) - observed)
        .put(window)
        .put(from)
        .put(to)
        .put(scale);
    int dimension = Attention.dimension(headDim);
    gpu.launch(
        gpu.typed("observe") + "_" + dimension,
        Driver.Grid.of(Layout.ceilDiv(size, KEYS), kvHeads),
        128,
        (KEYS + ROWS) * dimension * gpu.storage().bytes(),
        queries,
        span,
        from,
        to);
    gpu.arguments()
        .pointer(scores.changed() + (long) from * Float.BYTES)
        .pointer(each)
        .put(kvHeads)
        .put(heads / kvHeads)
        .put(size)
        .put(scores.columns())
        .put(pooling.kernel())
        .put(pooling.kind() == Pooling.Kind.AVERAGE ? 1 : 0);
    gpu.launch(
        "pool",
        Driver.Grid.of(Layout.ceilDiv(size, 256), kvHeads),
        256,
        0,
        scores,
        from,
        to,
        pooling);
  }
}
