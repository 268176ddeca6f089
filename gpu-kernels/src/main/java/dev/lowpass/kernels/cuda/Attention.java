package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.Span;
import java.util.List;

/**
 * Attention: {@code attention.cu}. Both ways give the same bits; the one that cuts caches into
 * splits keeps a GPU busy when there are few rows.
 */
final class Attention {
  /** Entries of a split. */
  private static final int SPLIT = 1024;

  /** Queries of a block that works on one split. */
  private static final int SPLIT_QUERIES = 16;

  /** Up to as many queries of a kv head, splits are the faster way. */
  private static final int FEW_QUERIES = 2 * SPLIT_QUERIES;

  private static final int[] DIMENSIONS = {32, 64, 96, 128};

  private final Gpu gpu;
  private final Scratch partials;
  private final Scratch partialSums;

  Attention(Gpu gpu) {
    this.gpu = gpu;
    partials = new Scratch(gpu.arena(), "attention");
    partialSums = new Scratch(gpu.arena(), "attention");
  }

  /** The least number of channels that kernels are compiled for and a head has room in. */
  static int dimension(int headDim) {
    for (int dimension : DIMENSIONS) {
      if (headDim <= dimension) {
        return dimension;
      }
    }
    throw new IllegalArgumentException(
        "heads of " + headDim + " channels: the GPU takes up to 128");
  }

  /**
   * {@link dev.lowpass.kernels.Device#attention}.
   *
   * @param table the spans as {@link SpanTable} has them
   * @param logSums null for none
   */
  void run(
      CudaTensor out,
      CudaTensor queries,
      List<Span> spans,
      long table,
      int layer,
      float scale,
      int window,
      CudaTensor logSums) {
    CudaKvCache first = (CudaKvCache) spans.get(0).cache();
    int kvHeads = first.kvHeads();
    int headDim = first.headDim();
    int heads = queries.columns() / headDim;
    int group = heads / kvHeads;
    int longest = 0;
    int rows = 0;
    int entries = 0;
    for (Span span : spans) {
      longest = Math.max(longest, span.rows());
      rows = Math.max(rows, span.firstRow() + span.rows());
      entries = Math.max(entries, span.cache().length(layer));
    }
    int rowQueries = Math.multiplyExact(longest, group);
    boolean splits = rowQueries <= FEW_QUERIES;
    int splitCount = Layout.ceilDiv(entries, SPLIT);
    long places = splits ? (long) rows * heads * splitCount : 0;
    Arguments arguments = gpu.arguments();
    arguments
        .pointer(out.changed())
        .pointer(0)
        .pointer(logSums == null ? 0 : logSums.changed())
        .pointer(queries.address())
        .pointer(table)
        .pointer(splits ? partials.address(places * headDim * Float.BYTES) : 0)
        .pointer(splits ? partialSums.address(places * 2 * Float.BYTES) : 0)
        .put(kvHeads)
        .put(group)
        .put(headDim)
        .put(splitCount)
        .put(window)
        .put(scale);
    int dimension = dimension(headDim);
    int rowBytes = dimension * gpu.storage().bytes();
    int tileBytes = rowBytes * (rowBytes > 256 ? 16 : rowBytes > 128 ? 32 : 64);
    if (splits) {
      int tiles = Layout.ceilDiv(rowQueries, SPLIT_QUERIES);
      gpu.launch(
          gpu.typed("attentionSplit") + "_" + dimension,
          Driver.Grid.of(splitCount, Math.multiplyExact(kvHeads, tiles), spans.size()),
          32,
          SPLIT_QUERIES * rowBytes + 10 * tileBytes,
          out,
          queries,
          spans);
      gpu.launch(
          gpu.typed("attentionMerge"),
          Driver.Grid.of(longest, spans.size()),
          256,
          0,
          out,
          queries,
          spans);
    } else {
      int tileQueries = gpu.storage().bytes() == Float.BYTES ? 64 : 128;
      gpu.launch(
          gpu.typed("attention") + "_" + dimension,
          Driver.Grid.of(Layout.ceilDiv(rowQueries, tileQueries), kvHeads, spans.size()),
          128,
          tileQueries * rowBytes + 6 * tileBytes,
          out,
          queries,
          spans);
    }
  }
}
