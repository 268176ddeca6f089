package dev.lowpass.kernels;

import java.util.List;

/**
 * What {@link Device}'s operations demand of their arguments on any device, one method an
 * operation: {@link IllegalArgumentException} names the operation and the shapes that do not fit.
 */
public final class DeviceChecks {
  private DeviceChecks() {}

  /** {@link Device#write}. */
  public static void write(Tensor out, float[] values) {
    check(
        values.length <= (long) out.rows() * out.columns(),
        "write: out is %s, there are %s values",
        out,
        values.length);
  }

  /** {@link Device#embed}. */
  public static void embed(Tensor out, Weight table, int[] tokens) {
    checkRows(out, tokens.length, "out");
    check(out.columns() == table.columns(), "embed: out is %s, the table %s", out, table);
    for (int token : tokens) {
      check(token >= 0 && token < table.rows(), "embed: token %s is not in %s", token, table);
    }
  }

  /** {@link Device#rmsNorm}. */
  public static void rmsNorm(Tensor out, Tensor in, int rows, Weight gain) {
    checkRows(out, rows, "out");
    checkRows(in, rows, "in");
    check(
        out.columns() == in.columns() && in.columns() % gain.columns() == 0,
        "rmsNorm: out is %s, in %s, the gain %s",
        out,
        in,
        gain);
  }

  /** {@link Device#linear}. */
  public static void linear(Tensor out, Tensor in, int rows, Weight weight, Weight bias) {
    checkRows(out, rows, "out");
    checkRows(in, rows, "in");
    check(out != in, "linear: out is in");
    check(
        in.columns() == weight.columns() && out.columns() == weight.rows(),
        "linear: in is %s, out %s, the weight %s",
        in,
        out,
        weight);
    check(
        bias == null || bias.columns() == weight.rows(),
        "linear: the weight is %s, the bias %s",
        weight,
        bias);
  }

  /** {@link Device#add}. */
  public static void add(Tensor accumulator, Tensor addend, int rows) {
    checkPair("add", accumulator, "accumulator", addend, "addend", rows);
  }

  /** {@link Device#swiglu}. */
  public static void swiglu(Tensor gate, Tensor up, int rows) {
    checkPair("swiglu", gate, "gate", up, "up", rows);
  }

  /** {@link Device#rotate}. */
  public static void rotate(Tensor heads, Rope rope, Tensor positions, int rows) {
    checkPositions(positions, rows);
    checkRows(heads, rows, "heads");
    check(
        heads.columns() % rope.headDim() == 0,
        "rotate: heads is %s, the embedding's headDim %s",
        heads,
        rope.headDim());
  }

  /** {@link Device#append}, room included. */
  public static void append(
      List<Span> spans, int layer, Tensor keys, Tensor values, Tensor positions) {
    checkSpans("append", spans, layer);
    for (Span span : spans) {
      AbstractKvCache cache = cache(span);
      int columns = cache.kvHeads() * cache.headDim();
      checkRows(keys, end(span), "keys");
      checkRows(values, end(span), "values");
      checkPositions(positions, end(span));
      check(
          keys.columns() == columns && values.columns() == columns,
          "append: keys is %s, values %s, the cache has %s kv heads of %s channels",
          keys,
          values,
          cache.kvHeads(),
          cache.headDim());
      cache.checkRoom(layer, span.rows());
    }
  }

  /** {@link Device#attention}. */
  public static void attention(
      Tensor out, Tensor queries, List<Span> spans, int layer, int window, Tensor logSums) {
    check(out != queries, "attention: out is queries");
    check(out.columns() == queries.columns(), "attention: out is %s, queries %s", out, queries);
    check(window > 0, "attention: the window is %s", window);
    checkSpans("attention", spans, layer);
    for (Span span : spans) {
      checkRows(out, end(span), "out");
      checkQueries("attention", queries, span, layer);
      if (logSums != null) {
        checkLogSums("attention", logSums, queries, span);
      }
    }
  }

  /** {@link Device#observe}. */
  public static void observe(
      Tensor scores,
      Tensor queries,
      Tensor logSums,
      Span span,
      int observed,
      int layer,
      int window,
      int from,
      int to) {
    checkSpans("observe", List.of(span), layer);
    checkQueries("observe", queries, span, layer);
    checkLogSums("observe", logSums, queries, span);
    checkScores("observe", scores, cache(span));
    checkRange("observe", scores, from, to);
    check(window > 0, "observe: the window is %s", window);
    check(
        observed > 0 && observed <= span.rows(),
        "observe: %s of a span's %s rows",
        observed,
        span.rows());
    checkEntries("observe", span.cache(), layer, from, to);
  }

  /** {@link Device#apply}. */
  public static void apply(KvCache cache, int layer, CachePlan plan, Rope rope, Tensor scores) {
    checkLayer("apply", cache, layer);
    checkHeadDim("apply", cache, rope);
    check(
        cache.length(layer) == plan.length(),
        "apply: a plan for %s entries, layer %s holds %s",
        plan.length(),
        layer,
        cache.length(layer));
    if (plan.ranks()) {
      check(scores != null, "apply: the plan ranks entries, there are no scores");
      checkScores("apply", scores, cache);
      checkRange("apply", scores, 0, plan.length());
    }
  }

  /** {@link Device#energy}. */
  public static void energy(KvCache cache, int layer) {
    checkLayer("energy", cache, layer);
  }

  /** {@link Device#spectrum}. */
  public static void spectrum(KvCache cache, int layer, Rope rope, int from, int to) {
    checkLayer("spectrum", cache, layer);
    checkHeadDim("spectrum", cache, rope);
    checkEntries("spectrum", cache, layer, from, to);
  }

  /** {@link Device#best}. */
  public static void best(Rows out, Tensor scores, int from, int to, int count) {
    checkRange("best", scores, from, to);
    check(
        count >= 0 && count <= to - from && count <= out.capacity(),
        "best: %s of entries [%s, %s) into a list of %s",
        count,
        from,
        to,
        out.capacity());
  }

  /** {@link Device#copy}. */
  public static void copy(KvCache to, KvCache from) {
    AbstractKvCache target = (AbstractKvCache) to;
    AbstractKvCache source = (AbstractKvCache) from;
    check(
        target != source
            && target.layers() == source.layers()
            && target.kvHeads() == source.kvHeads()
            && target.headDim() == source.headDim()
            && target.hasPositions() == source.hasPositions(),
        "copy: the caches are one, or differ in shape or positions");
    for (int layer = 0; layer < source.layers(); layer++) {
      check(
          source.length(layer) <= target.capacity(),
          "copy: layer %s holds %s entries, the other cache has room for %s",
          layer,
          source.length(layer),
          target.capacity());
    }
  }

  /** {@link Device#gatherRows(Tensor, Tensor, int[])}. */
  public static void gatherRows(Tensor out, Tensor in, int[] rows) {
    checkRows(out, rows.length, "out");
    checkCopy("gatherRows", out, 0, in, rows.length);
    for (int row : rows) {
      checkRow(in, row);
    }
  }

  /** {@link Device#gatherRows(Tensor, int, Tensor, int, Rows)}, but for the indices themselves. */
  public static void gatherRows(Tensor out, int outRow, Tensor in, Rows rows) {
    checkCopy("gatherRows", out, outRow, in, rows.count());
  }

  /** {@link Device#copyRows}. */
  public static void copyRows(Tensor out, int outRow, Tensor in, int inRow, int rows) {
    checkCopy("copyRows", out, outRow, in, rows);
    check(
        inRow >= 0 && inRow + rows <= in.rows(),
        "copyRows: in is %s, %s rows from %s on are asked for",
        in,
        rows,
        inRow);
  }

  /** {@link Device#argmax}. */
  public static void argmax(Tensor in, int rows) {
    checkRows(in, rows, "in");
  }

  /** {@link Device#sample}. */
  public static void sample(Tensor in, List<Draw> draws) {
    checkRows(in, draws.size(), "in");
  }

  /**
   * The indices that {@link Device#sample} chose.
   *
   * @throws IllegalStateException if one is -1
   */
  public static int[] checkSampled(int[] indices) {
    for (int row = 0; row < indices.length; row++) {
      if (indices[row] < 0) {
        throw new IllegalStateException(
            "row " + row + " cannot be sampled: a score is not a number (NaN), or infinite");
      }
    }
    return indices;
  }

  /** {@link Device#readKeys} and {@link Device#readValues}. */
  public static void readHead(KvCache cache, int layer, int kvHead) {
    checkLayer("read", cache, layer);
    int kvHeads = ((AbstractKvCache) cache).kvHeads();
    check(kvHead >= 0 && kvHead < kvHeads, "read: kv head %s of %s", kvHead, kvHeads);
  }

  /** Whether a tensor has a row: {@link Device#read(Tensor, int)}, a gather's index. */
  public static void checkRow(Tensor tensor, int row) {
    check(row >= 0 && row < tensor.rows(), "row %s is not in %s", row, tensor);
  }

  private static void checkRows(Tensor tensor, int rows, String name) {
    check(
        rows >= 0 && rows <= tensor.rows(), "%s is %s, the batch has %s rows", name, tensor, rows);
  }

  /** Rows of a tensor whose only column is their positions. */
  private static void checkPositions(Tensor positions, int rows) {
    check(positions.columns() == 1, "positions is %s, not [rows, 1]", positions);
    checkRows(positions, rows, "positions");
  }

  /** Whether two tensors of as many columns have the rows. */
  private static void checkPair(
      String operation, Tensor one, String name, Tensor other, String otherName, int rows) {
    checkRows(one, rows, name);
    checkRows(other, rows, otherName);
    check(
        one.columns() == other.columns(),
        "%s: %s is %s, %s %s",
        operation,
        name,
        one,
        otherName,
        other);
  }

  private static void checkCopy(String operation, Tensor out, int outRow, Tensor in, int rows) {
    check(out != in, "%s: out is in", operation);
    check(out.columns() == in.columns(), "%s: out is %s, in %s", operation, out, in);
    check(
        outRow >= 0 && rows >= 0 && outRow + rows <= out.rows(),
        "%s: out is %s, %s rows go to %s",
        operation,
        out,
        rows,
        outRow);
  }

  private static void checkSpans(String operation, List<Span> spans, int layer) {
    for (int i = 0; i < spans.size(); i++) {
      Span span = spans.get(i);
      check(
          span.rows() > 0 && span.firstRow() >= 0,
          "%s: a span begins at row %s and has %s",
          operation,
          span.firstRow(),
          span.rows());
      checkLayer(operation, span.cache(), layer);
      for (int before = 0; before < i; before++) {
        if (spans.get(before).cache() == span.cache()) {
          check(false, "%s: two spans of one cache", operation);
        }
      }
    }
  }

  /** Whether the queries fit a span whose entries are in its cache. */
  private static void checkQueries(String operation, Tensor queries, Span span, int layer) {
    AbstractKvCache cache = cache(span);
    checkRows(queries, end(span), "queries");
    int heads = queries.columns() / cache.headDim();
    check(
        heads * cache.headDim() == queries.columns() && heads % cache.kvHeads() == 0,
        "%s: queries is %s, the cache has %s kv heads of %s channels",
        operation,
        queries,
        cache.kvHeads(),
        cache.headDim());
    check(
        span.rows() <= cache.length(layer),
        "%s: a span has %s rows, its cache %s entries at layer %s",
        operation,
        span.rows(),
        cache.length(layer),
        layer);
  }

  private static void checkLogSums(String operation, Tensor logSums, Tensor queries, Span span) {
    AbstractKvCache cache = cache(span);
    checkRows(logSums, end(span), "logSums");
    check(
        logSums.columns() * cache.headDim() == queries.columns(),
        "%s: logSums is %s, queries %s of heads of %s channels",
        operation,
        logSums,
        queries,
        cache.headDim());
  }

  private static void checkScores(String operation, Tensor scores, KvCache cache) {
    int kvHeads = ((AbstractKvCache) cache).kvHeads();
    check(
        scores.rows() == kvHeads,
        "%s: scores is %s, the cache has %s kv heads",
        operation,
        scores,
        kvHeads);
  }

  private static void checkRange(String operation, Tensor scores, int from, int to) {
    check(
        from >= 0 && from <= to && to <= scores.columns(),
        "%s: entries [%s, %s), scores is %s",
        operation,
        from,
        to,
        scores);
  }

  private static void checkEntries(String operation, KvCache cache, int layer, int from, int to) {
    check(
        from >= 0 && from <= to && to <= cache.length(layer),
        "%s: entries [%s, %s) of a cache that holds %s at layer %s",
        operation,
        from,
        to,
        cache.length(layer),
        layer);
  }

  private static void checkLayer(String operation, KvCache cache, int layer) {
    int layers = ((AbstractKvCache) cache).layers();
    check(layer >= 0 && layer < layers, "%s: layer %s of a cache of %s", operation, layer, layers);
  }

  private static void checkHeadDim(String operation, KvCache cache, Rope rope) {
    int headDim = ((AbstractKvCache) cache).headDim();
    check(
        rope.headDim() == headDim,
        "%s: the cache's headDim is %s, the embedding's %s",
        operation,
        headDim,
        rope.headDim());
  }

  private static AbstractKvCache cache(Span span) {
    return (AbstractKvCache) span.cache();
  }

  /** The row behind a span's last. */
  private static int end(Span span) {
    return span.firstRow() + span.rows();
  }

  /** Refuses an argument: the message is {@link String#format}'s. */
  // The annotation it asks for would be a dependency; CpuDeviceTest has every message formatted.
  @SuppressWarnings("AnnotateFormatMethod")
  public static void check(boolean condition, String message, Object... arguments) {
    if (!condition) {
      throw new IllegalArgumentException(String.format(message, arguments));
    }
  }
}
