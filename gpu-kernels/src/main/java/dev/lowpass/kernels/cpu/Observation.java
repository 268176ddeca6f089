package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.Pooling;
import dev.lowpass.kernels.Span;
import java.util.Arrays;

/**
 * The attention that some rows pay a range of entries, summed over the rows: with the log-sums that
 * {@link Attention} left, a weight needs no second pass over the keys, and no more than a block of
 * them exists at a time.
 *
 * <p>An entry's sum takes the rows in their order, so it depends neither on threads nor on the
 * batch.
 */
final class Observation {
  /** Blocks of keys a part. */
  private static final int BLOCKS_A_PART = 4;

  private final Kernels kernels;
  private final Team team;
  private final Scratch[] scratches;

  /** {@code [heads, to - from]}: what is pooled. */
  private float[] sums = new float[0];

  Observation(Kernels kernels, Team team) {
    this.kernels = kernels;
    this.team = team;
    scratches = new Scratch[team.size()];
  }

  /** What is asked for: {@link dev.lowpass.kernels.Device#observe}. */
  record Request(
      Span span, int observed, int layer, float scale, int window, int from, int to, int heads) {
    CpuKvCache cache() {
      return (CpuKvCache) span.cache();
    }

    /** Query heads a kv head. */
    int group() {
      return heads / cache().kvHeads();
    }

    /** The first observing row of the batch. */
    int firstRow() {
      return span.firstRow() + span.rows() - observed;
    }
  }

  void run(
      float[] scores,
      int columns,
      float[] queries,
      float[] logSums,
      Request request,
      Pooling pooling) {
    int size = request.to - request.from;
    if (size == 0) {
      return;
    }
    int kvHeads = request.cache().kvHeads();
    int needed = Sizes.elements("scores to pool", request.heads, size);
    if (sums.length < needed) {
      sums = new float[needed];
    }
    int firstBlock = request.from / Kernels.BLOCK;
    int blocks = (request.to - 1) / Kernels.BLOCK + 1 - firstBlock;
    int partsAHead = Sizes.ceilDiv(blocks, BLOCKS_A_PART);
    team.run(
        kvHeads * partsAHead,
        (part, worker) -> {
          if (scratches[worker] == null) {
            scratches[worker] = new Scratch();
          }
          int kvHead = part / partsAHead;
          int begin = firstBlock + part % partsAHead * BLOCKS_A_PART;
          int end = Math.min(firstBlock + blocks, begin + BLOCKS_A_PART);
          observe(scratches[worker], queries, logSums, request, kvHead, begin, end);
        });
    int entriesAPart = BLOCKS_A_PART * Kernels.BLOCK;
    int ranges = Sizes.ceilDiv(size, entriesAPart);
    team.run(
        kvHeads * ranges,
        (part, worker) -> {
          int kvHead = part / ranges;
          int begin = part % ranges * entriesAPart;
          int end = Math.min(size, begin + entriesAPart);
          int to = kvHead * columns + request.from;
          int head = kvHead * request.group();
          pool(scores, to, head, request.group(), size, begin, end, pooling);
        });
  }

  /** Sums what the observing rows of a kv head's queries pay the entries of some blocks. */
  private void observe(
      Scratch s,
      float[] queries,
      float[] logSums,
      Request request,
      int kvHead,
      int firstBlock,
      int endBlock) {
    CpuKvCache cache = request.cache();
    int headDim = cache.headDim();
    int group = request.group();
    int count = group * request.observed;
    s.prepare(Sizes.roundUp(count, Kernels.QUERIES) * headDim);
    // A head's rows one after the other.
    for (int q = 0; q < count; q++) {
      int head = kvHead * group + q / request.observed;
      int row = request.firstRow() + q % request.observed;
      int in = (row * request.heads + head) * headDim;
      for (int d = 0; d < headDim; d++) {
        s.queries[q * headDim + d] = queries[in + d] * request.scale;
      }
    }
    CacheMemory memory = cache.keys(request.layer);
    float[] keys = memory.floats();
    if (keys == null) {
      keys = s.block(Kernels.BLOCK * headDim);
    }
    int firstEntry = cache.length(request.layer) - request.observed;
    for (int block = firstBlock; block < endBlock; block++) {
      int key = 0;
      if (memory.floats() == null) {
        memory.decode(kernels, kvHead, block, block + 1, keys);
      } else {
        key = memory.blockOffset(kvHead, block);
      }
      int entry = block * Kernels.BLOCK;
      int begin = Math.max(0, request.from - entry);
      int end = Math.min(Kernels.BLOCK, request.to - entry);
      for (int q = 0; q < count; q++) {
        int slot = q % Kernels.QUERIES * Kernels.BLOCK;
        if (slot == 0) {
          kernels.scores(s.queries, q * headDim, keys, key, headDim, s.scores, 0);
        }
        int head = kvHead * group + q / request.observed;
        int row = q % request.observed;
        int sum = head * (request.to - request.from) + entry + begin - request.from;
        if (row == 0) {
          Arrays.fill(sums, sum, sum + end - begin, 0);
        }
        // The entries that the row sees, relative to the block.
        int after = firstEntry + row + 1;
        int seenFrom = Math.max(begin, Math.max(0, after - request.window) - entry);
        int seenTo = Math.min(end, after - entry);
        if (seenFrom < seenTo) {
          // The others' are not numbers to rely on: entries behind the last are left over.
          Arrays.fill(s.scores, slot, slot + seenFrom, Float.NEGATIVE_INFINITY);
          Arrays.fill(s.scores, slot + seenTo, slot + Kernels.BLOCK, Float.NEGATIVE_INFINITY);
          int logSum = (request.firstRow() + row) * request.heads + head;
          kernels.exp(s.scores, slot, logSums[logSum], s.lanes, 0);
          for (int i = begin; i < end; i++) {
            sums[sum + i - begin] += s.scores[slot + i];
          }
        }
      }
    }
  }

  /** Pools entries {@code [begin, end)} of a group's heads and adds up what comes of them. */
  private void pool(
      float[] scores, int to, int head, int group, int size, int begin, int end, Pooling pooling) {
    int reach = pooling.kernel() / 2;
    Arrays.fill(scores, to + begin, to + end, 0);
    for (int h = head; h < head + group; h++) {
      int row = h * size;
      for (int j = begin; j < end; j++) {
        int first = row + Math.max(0, j - reach);
        int last = row + Math.min(size - 1, j + reach);
        float pooled = sums[first];
        switch (pooling.kind()) {
          case MAX -> {
            for (int i = first + 1; i <= last; i++) {
              pooled = Math.max(pooled, sums[i]);
            }
          }
          case AVERAGE -> {
            for (int i = first + 1; i <= last; i++) {
              pooled += sums[i];
            }
            pooled /= pooling.kernel();
          }
        }
        scores[to + j] += pooled;
      }
    }
  }

  /** One thread's memory, kept between operations. */
  private static final class Scratch {
    private final float[] scores = new float[Kernels.QUERIES * Kernels.BLOCK];
    private float[] queries = new float[0];
    private float[] block = new float[0];

    /** The weights' sums, which nobody asks for. */
    private final float[] lanes = new float[16];

    /** Room for a block of keys that are not stored as floats. */
    float[] block(int size) {
      if (block.length < size) {
        block = new float[size];
      }
      return block;
    }

    void prepare(int size) {
      if (queries.length < size) {
        queries = new float[size];
      }
    }
  }
}
