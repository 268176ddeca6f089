package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.Span;
import java.util.Arrays;
import java.util.List;

/**
 * Causal attention with an online softmax over the cache's blocks: scores exist for one block at a
 * time. The queries of all heads that share a kv head go through a block together.
 *
 * <p>Blocks begin at multiples of {@link Kernels#BLOCK} in the cache, whatever the batch is, and a
 * query takes those it sees in order: its result does not depend on how its prompt was cut into
 * chunks.
 */
final class Attention {
  /** Queries a part: they share each block read from the cache. */
  private static final int QUERIES_A_PART = 64;

  private final Kernels kernels;
  private final Team team;
  private final Scratch[] scratches;

  Attention(Kernels kernels, Team team) {
    this.kernels = kernels;
    this.team = team;
    scratches = new Scratch[team.size()];
  }

  /** The queries of some rows of a span with one kv head. */
  private record Part(Span span, CpuKvCache cache, int kvHead, int begin, int end) {}

  void run(
      float[] out,
      float[] queries,
      int columns,
      List<Span> spans,
      int layer,
      float scale,
      int window,
      float[] logSums) {
    int partCount = 0;
    for (Span span : spans) {
      partCount += parts(span, columns);
    }
    Part[] parts = new Part[partCount];
    int next = 0;
    for (Span span : spans) {
      CpuKvCache cache = (CpuKvCache) span.cache();
      int rowsAPart = rowsAPart(cache, columns);
      // The last rows see most: their parts come first.
      for (int begin = (span.rows() - 1) / rowsAPart * rowsAPart; begin >= 0; begin -= rowsAPart) {
        int end = Math.min(span.rows(), begin + rowsAPart);
        for (int kvHead = 0; kvHead < cache.kvHeads(); kvHead++) {
          parts[next++] = new Part(span, cache, kvHead, begin, end);
        }
      }
    }
    team.run(
        partCount,
        (part, worker) -> {
          if (scratches[worker] == null) {
            scratches[worker] = new Scratch();
          }
          attend(scratches[worker], parts[part], out, queries, columns, layer, scale, window);
          if (logSums != null) {
            logSums(scratches[worker], parts[part], columns, logSums);
          }
        });
  }

  private static int parts(Span span, int columns) {
    CpuKvCache cache = (CpuKvCache) span.cache();
    return Sizes.ceilDiv(span.rows(), rowsAPart(cache, columns)) * cache.kvHeads();
  }

  private static int rowsAPart(CpuKvCache cache, int columns) {
    int group = columns / cache.headDim() / cache.kvHeads();
    return Math.max(1, QUERIES_A_PART / group);
  }

  private void attend(
      Scratch s,
      Part part,
      float[] out,
      float[] queries,
      int columns,
      int layer,
      float scale,
      int window) {
    CpuKvCache cache = part.cache;
    int headDim = cache.headDim();
    int heads = columns / headDim;
    int group = heads / cache.kvHeads();
    int width = cache.width();
    int count = (part.end - part.begin) * group;
    s.prepare(Sizes.roundUp(count, Kernels.QUERIES), headDim, width);
    int firstEntry = cache.length(layer) - part.span.rows();
    for (int q = 0; q < count; q++) {
      int row = part.begin + q / group;
      s.end[q] = firstEntry + row + 1;
      s.start[q] = Math.max(0, s.end[q] - window);
      s.max[q] = Float.NEGATIVE_INFINITY;
      int from = offset(part, q, heads, group, headDim);
      for (int d = 0; d < headDim; d++) {
        s.queries[q * headDim + d] = queries[from + d] * scale;
      }
    }
    int lastBlock = (s.end[count - 1] - 1) / Kernels.BLOCK;
    for (int block = s.start[0] / Kernels.BLOCK; block <= lastBlock; block++) {
      for (int q = 0; q < count; q += Kernels.QUERIES) {
        attendBlock(s, part, layer, block, q, Math.min(count, q + Kernels.QUERIES));
      }
    }
    for (int q = 0; q < count; q++) {
      int to = offset(part, q, heads, group, headDim);
      for (int d = 0; d < headDim; d++) {
        out[to + d] = s.out[q * width + d] / s.sum[q];
      }
    }
  }

  /** Writes what {@link #attend} has just summed into {@code [rows, heads]}. */
  private static void logSums(Scratch s, Part part, int columns, float[] logSums) {
    int heads = columns / part.cache.headDim();
    int group = heads / part.cache.kvHeads();
    for (int q = 0; q < (part.end - part.begin) * group; q++) {
      int to = offset(part, q, heads, group, 1);
      logSums[to] = (float) (s.max[q] + Math.log(s.sum[q]));
    }
  }

  /** Where query q of a part lies in {@code [rows, heads * headDim]}. */
  private static int offset(Part part, int q, int heads, int group, int headDim) {
    int row = part.span.firstRow() + part.begin + q / group;
    return (row * heads + part.kvHead * group + q % group) * headDim;
  }

  /** Takes queries {@code [begin, end)}, at most {@link Kernels#QUERIES}, through a block. */
  private void attendBlock(Scratch s, Part part, int layer, int block, int begin, int end) {
    CpuKvCache cache = part.cache;
    int firstEntry = block * Kernels.BLOCK;
    int latestFrom = 0;
    int earliestTo = Kernels.BLOCK;
    boolean any = false;
    for (int q = begin; q < end; q++) {
      // Entries of the block that the query sees, relative to the block.
      s.from[q - begin] = Math.max(0, s.start[q] - firstEntry);
      s.to[q - begin] = Math.min(Kernels.BLOCK, s.end[q] - firstEntry);
      any |= s.from[q - begin] < s.to[q - begin];
      latestFrom = Math.max(latestFrom, s.from[q - begin]);
      earliestTo = Math.min(earliestTo, s.to[q - begin]);
    }
    if (!any) {
      return;
    }
    kernels.scores(
        s.queries,
        begin * cache.headDim(),
        cache.keys(layer),
        cache.keyOffset(part.kvHead, block),
        cache.headDim(),
        s.scores,
        0);
    for (int q = begin; q < end; q++) {
      if (s.from[q - begin] < s.to[q - begin]) {
        softmax(s, q, q - begin, cache.width());
      }
    }
    float[] values = cache.values(layer);
    int value = cache.valueOffset(part.kvHead, firstEntry);
    if (latestFrom >= earliestTo) {
      for (int q = begin; q < end; q++) {
        weigh(s, q, q - begin, s.from[q - begin], s.to[q - begin], values, value, cache.width());
      }
      return;
    }
    // What all of them see goes through together, what only some do before and after it: a query
    // adds up its entries in their order, and nothing that it does not see.
    for (int q = begin; q < end; q++) {
      weigh(s, q, q - begin, s.from[q - begin], latestFrom, values, value, cache.width());
    }
    kernels.weighQueries(
        s.scores,
        latestFrom,
        values,
        value + latestFrom * cache.width(),
        earliestTo - latestFrom,
        cache.width(),
        s.out,
        begin * cache.width());
    for (int q = begin; q < end; q++) {
      weigh(s, q, q - begin, earliestTo, s.to[q - begin], values, value, cache.width());
    }
  }

  private void softmax(Scratch s, int q, int slot, int width) {
    int score = slot * Kernels.BLOCK;
    Arrays.fill(s.scores, score, score + s.from[slot], Float.NEGATIVE_INFINITY);
    Arrays.fill(s.scores, score + s.to[slot], score + Kernels.BLOCK, Float.NEGATIVE_INFINITY);
    float max = Math.max(s.max[q], kernels.max(s.scores, score, Kernels.BLOCK));
    if (max != s.max[q]) {
      float correction = (float) Math.exp(s.max[q] - max);
      s.sum[q] *= correction;
      for (int d = 0; d < width; d++) {
        s.out[q * width + d] *= correction;
      }
      s.max[q] = max;
    }
    s.sum[q] += kernels.exp(s.scores, score, max);
  }

  private void weigh(
      Scratch s, int q, int slot, int from, int to, float[] values, int value, int width) {
    if (from < to) {
      kernels.weigh(
          s.scores,
          slot * Kernels.BLOCK + from,
          values,
          value + from * width,
          to - from,
          width,
          s.out,
          q * width);
    }
  }

  /** One thread's memory, kept between operations. */
  private static final class Scratch {
    private final float[] scores = new float[Kernels.QUERIES * Kernels.BLOCK];
    private final int[] from = new int[Kernels.QUERIES];
    private final int[] to = new int[Kernels.QUERIES];
    private float[] queries = new float[0];
    private float[] out = new float[0];
    private int[] start = new int[0];
    private int[] end = new int[0];
    private float[] max = new float[0];
    private float[] sum = new float[0];

    void prepare(int count, int headDim, int width) {
      if (start.length < count) {
        start = new int[count];
        end = new int[count];
        max = new float[count];
        sum = new float[count];
      }
      if (queries.length < count * headDim || out.length < count * width) {
        queries = new float[count * headDim];
        out = new float[count * width];
      }
      Arrays.fill(sum, 0);
      Arrays.fill(out, 0, count * width, 0);
    }
  }
}
