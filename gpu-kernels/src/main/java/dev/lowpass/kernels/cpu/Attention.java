package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.Span;
import java.util.Arrays;
import java.util.List;

/**
 * Causal attention with an online softmax over the cache's blocks: scores exist for one block at a
 * time. The queries of all heads that share a kv head go through a block together: first all of
 * them meet its keys, then all of them its values, so that each stays in the L1 cache meanwhile.
 *
 * <p>A query's entries are cut into segments, at multiples of {@link #SEGMENT} in the cache. Each
 * has a softmax of its own, block by block; the segments' results are put together in their order.
 * So threads can share a decode step's entries, and a query's result depends neither on how they do
 * nor on how its prompt was cut into chunks.
 */
final class Attention {
  /** Queries a part: they share each block read from the cache. */
  private static final int QUERIES_A_PART = 64;

  /** Entries that one part of a decode step takes: two parts a kv head of a cache of 1,024. */
  static final int SEGMENT = 8 * Kernels.BLOCK;

  /** What a query's result has besides its channels: the maximum, and the softmax's denominator. */
  private static final int HEADER = 2;

  private final Kernels kernels;
  private final Team team;
  private final Scratch[] scratches;

  // The operation under way.
  private float[] out;
  private float[] queries;
  private float[] logSums;
  private int columns;
  private int layer;
  private float scale;
  private int window;
  private Part[] parts = {};
  private int partCount;

  /** The first part of each group whose results are put together. */
  private int[] groups = {};

  private int groupCount;

  /** Such parts' results, {@code [queries, HEADER + width]} each. */
  private float[] results = {};

  private final Team.Task attendPart = this::attend;
  private final Team.Task mergeGroup = this::merge;

  Attention(Kernels kernels, Team team) {
    this.kernels = kernels;
    this.team = team;
    scratches = new Scratch[team.size()];
  }

  /** The queries of some rows of a span with one kv head, on some segments of the cache. */
  private static final class Part {
    private Span span;
    private CpuKvCache cache;
    private int kvHead;
    private int beginRow;
    private int endRow;
    private int beginSegment;
    private int endSegment;

    /** Parts of its group, itself included; 1 where it has all of its queries' segments. */
    private int group;

    /** Where its results go, if others have the other segments. */
    private int result;

    int headsAKvHead(int columns) {
      return columns / cache.headDim() / cache.kvHeads();
    }

    int queries(int columns) {
      return (endRow - beginRow) * headsAKvHead(columns);
    }

    /** The first entry of the rows of its span. */
    int firstEntry(int layer) {
      return cache.length(layer) - span.rows();
    }
  }

  void run(
      float[] out,
      float[] queries,
      int columns,
      List<Span> spans,
      int layer,
      float scale,
      int window,
      float[] logSums) {
    this.out = out;
    this.queries = queries;
    this.logSums = logSums;
    this.columns = columns;
    this.layer = layer;
    this.scale = scale;
    this.window = window;
    partCount = 0;
    groupCount = 0;
    int size = 0;
    for (int i = 0; i < spans.size(); i++) {
      Span span = spans.get(i);
      CpuKvCache cache = (CpuKvCache) span.cache();
      int rowsAPart = Math.max(1, QUERIES_A_PART * cache.headDim() * cache.kvHeads() / columns);
      if (span.rows() <= rowsAPart) {
        size = addSegments(span, cache, size);
      } else {
        addRows(span, cache, rowsAPart);
      }
    }
    if (results.length < size) {
      results = new float[size];
    }
    team.run(partCount, attendPart);
    team.run(groupCount, mergeGroup);
  }

  /** Few rows: each part has all of them, and a segment. */
  private int addSegments(Span span, CpuKvCache cache, int size) {
    int firstEntry = cache.length(layer) - span.rows();
    int begin = Math.max(0, firstEntry + 1 - window) / SEGMENT;
    int end = (cache.length(layer) - 1) / SEGMENT + 1;
    int next = size;
    for (int kvHead = 0; kvHead < cache.kvHeads(); kvHead++) {
      if (end - begin > 1) {
        if (groups.length == groupCount) {
          groups = Arrays.copyOf(groups, 2 * groupCount + 1);
        }
        groups[groupCount++] = partCount;
      }
      for (int segment = begin; segment < end; segment++) {
        Part part = add(span, cache, kvHead, 0, span.rows());
        part.beginSegment = segment;
        part.endSegment = segment + 1;
        part.group = end - begin;
        part.result = next;
        next += part.group == 1 ? 0 : part.queries(columns) * (HEADER + cache.width());
      }
    }
    return next;
  }

  /** Many rows: each part has some of them, and all of their segments. */
  private void addRows(Span span, CpuKvCache cache, int rowsAPart) {
    int firstEntry = cache.length(layer) - span.rows();
    // The last rows see most: their parts come first.
    for (int begin = (span.rows() - 1) / rowsAPart * rowsAPart; begin >= 0; begin -= rowsAPart) {
      int end = Math.min(span.rows(), begin + rowsAPart);
      for (int kvHead = 0; kvHead < cache.kvHeads(); kvHead++) {
        Part part = add(span, cache, kvHead, begin, end);
        part.beginSegment = Math.max(0, firstEntry + begin + 1 - window) / SEGMENT;
        part.endSegment = (firstEntry + end - 1) / SEGMENT + 1;
        part.group = 1;
      }
    }
  }

  private Part add(Span span, CpuKvCache cache, int kvHead, int beginRow, int endRow) {
    if (partCount == parts.length) {
      parts = Arrays.copyOf(parts, 2 * partCount + 1);
      for (int i = partCount; i < parts.length; i++) {
        parts[i] = new Part();
      }
    }
    Part part = parts[partCount++];
    part.span = span;
    part.cache = cache;
    part.kvHead = kvHead;
    part.beginRow = beginRow;
    part.endRow = endRow;
    return part;
  }

  private Scratch scratch(int worker) {
    if (scratches[worker] == null) {
      scratches[worker] = new Scratch();
    }
    return scratches[worker];
  }

  private void attend(int index, int worker) {
    Part part = parts[index];
    Scratch s = scratch(worker);
    int count = part.queries(columns);
    prepare(s, part, count);
    for (int segment = part.beginSegment; segment < part.endSegment; segment++) {
      attendSegment(s, part, segment, count);
      if (part.group > 1) {
        int size = count * (HEADER + part.cache.width());
        System.arraycopy(s.segment, 0, results, part.result, size);
      } else if (segment == part.beginSegment) {
        // The first result is what the others are added to.
        float[] first = s.segment;
        s.segment = s.total;
        s.total = first;
      } else {
        add(s.total, s.segment, 0, count, part.cache.width());
      }
    }
    if (part.group == 1) {
      write(s.total, part, count);
    }
  }

  /** Puts the results of a group's parts together. */
  private void merge(int index, int worker) {
    Part first = parts[groups[index]];
    Scratch s = scratch(worker);
    int count = first.queries(columns);
    int width = first.cache.width();
    s.prepare(Sizes.roundUp(count, Kernels.QUERIES), first.cache, kernels.lanes());
    int size = count * (HEADER + width);
    System.arraycopy(results, first.result, s.total, 0, size);
    for (int i = 1; i < first.group; i++) {
      add(s.total, results, first.result + i * size, count, width);
    }
    write(s.total, first, count);
  }

  /** Adds a segment's results to those of the segments before it. */
  private static void add(float[] total, float[] segment, int from, int count, int width) {
    for (int q = 0; q < count; q++) {
      int to = q * (HEADER + width);
      int at = from + to;
      if (segment[at] == Float.NEGATIVE_INFINITY) {
        continue; // the query sees nothing of it
      }
      float max = Math.max(total[to], segment[at]);
      float before = (float) Math.exp(total[to] - max);
      float now = (float) Math.exp(segment[at] - max);
      total[to] = max;
      for (int i = 1; i < HEADER + width; i++) {
        total[to + i] = total[to + i] * before + segment[at + i] * now;
      }
    }
  }

  /** Writes the results of a part's queries into the rows that they came from. */
  private void write(float[] results, Part part, int count) {
    int headDim = part.cache.headDim();
    int size = HEADER + part.cache.width();
    for (int q = 0; q < count; q++) {
      float sum = results[q * size + 1];
      int to = offset(part, q, headDim);
      for (int d = 0; d < headDim; d++) {
        out[to + d] = results[q * size + HEADER + d] / sum;
      }
      if (logSums != null) {
        logSums[offset(part, q, 1)] = (float) (results[q * size] + Math.log(sum));
      }
    }
  }

  /** Where query q of a part lies in {@code [rows, heads * size]}. */
  private int offset(Part part, int q, int size) {
    int group = part.headsAKvHead(columns);
    int heads = group * part.cache.kvHeads();
    int row = part.span.firstRow() + part.beginRow + q / group;
    return (row * heads + part.kvHead * group + q % group) * size;
  }

  private void prepare(Scratch s, Part part, int count) {
    int headDim = part.cache.headDim();
    int padded = Sizes.roundUp(count, Kernels.QUERIES);
    s.prepare(padded, part.cache, kernels.lanes());
    Arrays.fill(s.queries, count * headDim, padded * headDim, 0);
    int group = part.headsAKvHead(columns);
    int firstEntry = part.firstEntry(layer);
    for (int q = 0; q < count; q++) {
      s.end[q] = firstEntry + part.beginRow + q / group + 1;
      s.start[q] = Math.max(0, s.end[q] - window);
      int from = offset(part, q, headDim);
      for (int d = 0; d < headDim; d++) {
        s.queries[q * headDim + d] = queries[from + d] * scale;
      }
    }
  }

  /** Sets the scratch's segment to what a part's queries get of one. */
  private void attendSegment(Scratch s, Part part, int segment, int count) {
    int size = HEADER + part.cache.width();
    Arrays.fill(s.out, 0, Sizes.roundUp(count, Kernels.QUERIES) * part.cache.width(), 0);
    Arrays.fill(s.sums, 0, count * kernels.lanes(), 0);
    Arrays.fill(s.max, 0, count, Float.NEGATIVE_INFINITY);
    int begin = Math.max(segment * SEGMENT, s.start[0]);
    int end = Math.min((segment + 1) * SEGMENT, s.end[count - 1]);
    for (int block = begin / Kernels.BLOCK; block * Kernels.BLOCK < end; block++) {
      attendBlock(s, part, block, count);
    }
    for (int q = 0; q < count; q++) {
      s.segment[q * size] = s.max[q];
      s.segment[q * size + 1] = kernels.sum(s.sums, q * kernels.lanes());
      System.arraycopy(
          s.out, q * part.cache.width(), s.segment, q * size + HEADER, part.cache.width());
    }
  }

  private void attendBlock(Scratch s, Part part, int block, int count) {
    CpuKvCache cache = part.cache;
    CacheMemory memory = cache.keys(layer);
    float[] keys = memory.floats();
    int key = keys == null ? 0 : memory.blockOffset(part.kvHead, block);
    if (keys == null) {
      keys = s.block;
      memory.decode(kernels, part.kvHead, block, block + 1, keys);
    } else if (count <= Kernels.QUERIES) {
      s.touched += touch(keys, key, memory.channels() * Kernels.BLOCK);
    }
    int firstEntry = block * Kernels.BLOCK;
    for (int q = 0; q < count; q += Kernels.QUERIES) {
      // The last query sees furthest, and the first from the furthest back.
      int last = Math.min(count, q + Kernels.QUERIES) - 1;
      if (s.end[last] > firstEntry && s.start[q] < firstEntry + Kernels.BLOCK) {
        int score = q * Kernels.BLOCK;
        kernels.scores(s.queries, q * cache.headDim(), keys, key, cache.headDim(), s.scores, score);
        for (int i = q; i <= last; i++) {
          softmax(s, i, firstEntry, cache.width());
        }
      }
    }
    memory = cache.values(layer);
    float[] values = memory.floats();
    int value = values == null ? 0 : memory.blockOffset(part.kvHead, block);
    if (values == null) {
      values = s.block;
      memory.decode(kernels, part.kvHead, block, block + 1, values);
    } else if (count <= Kernels.QUERIES) {
      // Of the values only those that are there: nothing reads the others.
      int entries = Math.min(Kernels.BLOCK, s.end[count - 1] - firstEntry);
      s.touched += touch(values, value, memory.channels() * entries);
    }
    for (int q = 0; q < count; q += Kernels.QUERIES) {
      weigh(s, q, Math.min(count, q + Kernels.QUERIES), firstEntry, values, value, cache.width());
    }
  }

  /**
   * Reads a number of each cache line of a block, a quarter of it at a time from each of four
   * streams. A processor fetches ahead in each, but not beyond a page: products that go through a
   * block from its beginning, a page after the other, wait for memory longer.
   */
  private static float touch(float[] block, int offset, int count) {
    int quarter = count / 4;
    float sum = 0;
    for (int i = offset; i < offset + quarter; i += AlignedFloats.LINE) {
      float first = block[i] + block[i + quarter];
      sum += first + (block[i + 2 * quarter] + block[i + 3 * quarter]);
    }
    return sum;
  }

  /** Entries of a block before those that a query sees. */
  private static int from(Scratch s, int q, int firstEntry) {
    return Math.max(0, s.start[q] - firstEntry);
  }

  /** The end of a block's entries that a query sees, not above {@link #from} where it sees none. */
  private static int to(Scratch s, int q, int firstEntry) {
    return Math.min(Kernels.BLOCK, s.end[q] - firstEntry);
  }

  private void softmax(Scratch s, int q, int firstEntry, int width) {
    int from = from(s, q, firstEntry);
    int to = to(s, q, firstEntry);
    if (from >= to) {
      return;
    }
    int score = q * Kernels.BLOCK;
    if (to - from < Kernels.BLOCK) {
      Arrays.fill(s.scores, score, score + from, Float.NEGATIVE_INFINITY);
      Arrays.fill(s.scores, score + to, score + Kernels.BLOCK, Float.NEGATIVE_INFINITY);
    }
    float before = s.max[q];
    float max = Math.max(before, kernels.highest(s.scores, score));
    int lanes = kernels.lanes();
    if (max != before && before != Float.NEGATIVE_INFINITY) {
      float correction = (float) Math.exp(before - max);
      for (int i = q * lanes; i < (q + 1) * lanes; i++) {
        s.sums[i] *= correction;
      }
      for (int i = q * width; i < (q + 1) * width; i++) {
        s.out[i] *= correction;
      }
    }
    s.max[q] = max;
    kernels.exp(s.scores, score, max, s.sums, q * lanes);
  }

  /** Adds a block's values to what queries {@code [begin, end)} have, {@link Kernels#QUERIES}. */
  private void weigh(
      Scratch s, int begin, int end, int firstEntry, float[] values, int value, int width) {
    int latestFrom = 0;
    int earliestTo = Kernels.BLOCK;
    for (int q = begin; q < end; q++) {
      latestFrom = Math.max(latestFrom, from(s, q, firstEntry));
      earliestTo = Math.min(earliestTo, to(s, q, firstEntry));
    }
    if (latestFrom >= earliestTo) {
      for (int q = begin; q < end; q++) {
        weighOne(s, q, from(s, q, firstEntry), to(s, q, firstEntry), values, value, width);
      }
      return;
    }
    // What all of them see goes through together, what only some do before and after it: a query
    // adds up its entries in their order, and nothing that it does not see.
    for (int q = begin; q < end; q++) {
      weighOne(s, q, from(s, q, firstEntry), latestFrom, values, value, width);
    }
    kernels.weighQueries(
        s.scores,
        begin * Kernels.BLOCK + latestFrom,
        values,
        value + latestFrom * width,
        earliestTo - latestFrom,
        width,
        s.out,
        begin * width);
    for (int q = begin; q < end; q++) {
      weighOne(s, q, earliestTo, to(s, q, firstEntry), values, value, width);
    }
  }

  private void weighOne(Scratch s, int q, int from, int to, float[] values, int value, int width) {
    if (from < to) {
      kernels.weigh(
          s.scores,
          q * Kernels.BLOCK + from,
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
    private float[] queries = new float[0];
    private float[] scores = new float[0];
    private float[] block = new float[0];
    private int[] start = new int[0];
    private int[] end = new int[0];

    /** Where {@link #touch} leaves its sums, so that they are needed. */
    @SuppressWarnings("unused")
    private float touched;

    // Of the segment under way.
    private float[] max = new float[0];
    private float[] sums = new float[0];
    private float[] out = new float[0];

    // Results, [queries, HEADER + width]: the segment's, and of all up to it.
    private float[] segment = new float[0];
    private float[] total = new float[0];

    /** Makes room for a number of queries, whole groups of {@link Kernels#QUERIES}. */
    void prepare(int count, CpuKvCache cache, int lanes) {
      int width = cache.width();
      if (start.length < count) {
        start = new int[count];
        end = new int[count];
        max = new float[count];
        scores = new float[count * Kernels.BLOCK];
        sums = new float[count * lanes];
      }
      if (queries.length < count * cache.headDim() || out.length < count * width) {
        queries = new float[count * cache.headDim()];
        out = new float[count * width];
        segment = new float[count * (HEADER + width)];
        total = new float[count * (HEADER + width)];
      }
      if (block.length < Kernels.BLOCK * width) {
        block = new float[Kernels.BLOCK * width];
      }
    }
  }
}
