package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Energy;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Pooling;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Rows;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/**
 * The CPU as a device: checks shapes, shares rows out to a {@link Team} of threads and runs {@link
 * Kernels} on them. Results are the same for any number of threads, and for any batch a row is in;
 * they may differ in the last bits between processors of other vector widths.
 */
public final class CpuDevice implements Device {
  /** Elements that are worth handing to another thread. */
  private static final int PART_ELEMENTS = 1 << 13;

  private final Kernels kernels;
  private final Team team;
  private final Linear linear;
  private final Attention attention;
  private final Observation observation;
  private final Compression compression;
  private final Ranking ranking = new Ranking();

  CpuDevice(Kernels kernels, int threads) {
    this.kernels = kernels;
    team = new Team(threads);
    linear = new Linear(kernels, team);
    attention = new Attention(kernels, team);
    observation = new Observation(kernels, team);
    compression = new Compression(team);
  }

  /**
   * Opens the device with a team of its own.
   *
   * @param threads threads that compute, the caller's included; 0 for all that the process may use
   */
  public static CpuDevice open(int threads) {
    if (threads < 0) {
      throw new IllegalArgumentException("threads is " + threads + ": use 0 (all) or more");
    }
    return new CpuDevice(
        KernelsProvider.get(), threads == 0 ? Runtime.getRuntime().availableProcessors() : threads);
  }

  @Override
  public String description() {
    int threads = team.size();
    return String.format(
        "cpu (%s, %d thread%s)", kernels.description(), threads, threads == 1 ? "" : "s");
  }

  @Override
  public Tensor tensor(int rows, int columns) {
    return new CpuTensor(rows, columns);
  }

  @Override
  public void write(Tensor out, float[] values) {
    CpuTensor to = tensor(out, "out");
    check(
        values.length <= to.data().length,
        "write: out is %s, there are %s values",
        to,
        values.length);
    System.arraycopy(values, 0, to.data(), 0, values.length);
  }

  @Override
  public Weight weight(String name, DType type, int rows, int columns, ByteBuffer data) {
    return new CpuWeight(name, type, rows, columns, data);
  }

  @Override
  public KvCache kvCache(int layers, int kvHeads, int headDim, int capacity, Positions positions) {
    return new CpuKvCache(layers, kvHeads, headDim, capacity, positions, kernels.lanes());
  }

  @Override
  public Rope rope(double[] inverseFrequencies, double attentionFactor) {
    return new CpuRope(inverseFrequencies, attentionFactor);
  }

  @Override
  public void embed(Tensor out, Weight table, int[] tokens) {
    CpuTensor to = tensor(out, "out");
    CpuWeight from = (CpuWeight) table;
    checkRows(to, tokens.length, "out");
    check(to.columns() == from.columns(), "embed: out is %s, the table %s", to, from);
    for (int token : tokens) {
      check(token >= 0 && token < from.rows(), "embed: token %s is not in %s", token, from);
    }
    float[] floats = to.data();
    int columns = to.columns();
    forRows(
        tokens.length,
        columns,
        row ->
            Floats.get(
                from.type(),
                from.data(),
                tokens[row] * from.stride(),
                floats,
                row * columns,
                columns));
  }

  @Override
  public void rmsNorm(Tensor out, Tensor in, int rows, Weight gain, float epsilon) {
    CpuTensor to = tensor(out, "out");
    CpuTensor from = tensor(in, "in");
    float[] gains = ((CpuWeight) gain).vector();
    int size = gains.length;
    int columns = from.columns();
    checkRows(to, rows, "out");
    checkRows(from, rows, "in");
    check(
        to.columns() == columns && columns % size == 0,
        "rmsNorm: out is %s, in %s, the gain %s",
        to,
        from,
        gain);
    float[] source = from.data();
    float[] target = to.data();
    forRows(
        rows,
        columns,
        row -> {
          for (int i = row * columns; i < (row + 1) * columns; i += size) {
            float mean = kernels.sumOfSquares(source, i, size) / size;
            float factor = (float) (1 / Math.sqrt(mean + epsilon));
            kernels.scale(target, source, i, size, factor, gains);
          }
        });
  }

  @Override
  public void linear(Tensor out, Tensor in, int rows, Weight weight, Weight bias) {
    CpuTensor to = tensor(out, "out");
    CpuTensor from = tensor(in, "in");
    CpuWeight matrix = (CpuWeight) weight;
    checkRows(to, rows, "out");
    checkRows(from, rows, "in");
    check(to != from, "linear: out is in");
    check(
        from.columns() == matrix.columns() && to.columns() == matrix.rows(),
        "linear: in is %s, out %s, the weight %s",
        from,
        to,
        matrix);
    float[] addend = bias == null ? null : ((CpuWeight) bias).vector();
    check(
        addend == null || addend.length == matrix.rows(),
        "linear: the weight is %s, the bias %s",
        matrix,
        bias);
    linear.run(to.data(), from.data(), rows, matrix, addend);
  }

  @Override
  public void add(Tensor accumulator, Tensor addend, int rows) {
    CpuTensor to = tensor(accumulator, "accumulator");
    CpuTensor from = tensor(addend, "addend");
    checkPair("add", to, "accumulator", from, "addend", rows);
    float[] target = to.data();
    float[] source = from.data();
    int columns = to.columns();
    forRows(
        rows,
        columns,
        row -> {
          for (int i = row * columns; i < (row + 1) * columns; i++) {
            target[i] += source[i];
          }
        });
  }

  @Override
  public void swiglu(Tensor gate, Tensor up, int rows) {
    CpuTensor to = tensor(gate, "gate");
    CpuTensor from = tensor(up, "up");
    checkPair("swiglu", to, "gate", from, "up", rows);
    float[] target = to.data();
    float[] source = from.data();
    int columns = to.columns();
    forRows(rows, columns, row -> kernels.swiglu(target, source, row * columns, columns));
  }

  @Override
  public void rotate(Tensor heads, Rope rope, Tensor positions, int rows) {
    CpuTensor tensor = tensor(heads, "heads");
    CpuTensor places = positions(positions, rows);
    CpuRope angles = (CpuRope) rope;
    int headDim = angles.headDim();
    int columns = tensor.columns();
    checkRows(tensor, rows, "heads");
    check(
        columns % headDim == 0, "rotate: heads is %s, the embedding's headDim %s", tensor, headDim);
    angles.prepare(places.data(), rows, team);
    float[] data = tensor.data();
    int half = headDim / 2;
    forRows(
        rows,
        columns,
        row -> {
          for (int i = row * columns; i < (row + 1) * columns; i += headDim) {
            kernels.rotate(data, i, half, angles.cosines(), angles.sines(), row * half);
          }
        });
  }

  @Override
  public void append(List<Span> spans, int layer, Tensor keys, Tensor values, Tensor positions) {
    CpuTensor newKeys = tensor(keys, "keys");
    CpuTensor newValues = tensor(values, "values");
    checkSpans("append", spans, layer);
    for (Span span : spans) {
      CpuKvCache cache = (CpuKvCache) span.cache();
      int columns = cache.kvHeads() * cache.headDim();
      checkRows(newKeys, span.firstRow() + span.rows(), "keys");
      checkRows(newValues, span.firstRow() + span.rows(), "values");
      positions(positions, span.firstRow() + span.rows());
      check(
          newKeys.columns() == columns && newValues.columns() == columns,
          "append: keys is %s, values %s, the cache has %s kv heads of %s channels",
          newKeys,
          newValues,
          cache.kvHeads(),
          cache.headDim());
      cache.checkRoom(layer, span.rows());
    }
    float[] keyData = newKeys.data();
    float[] valueData = newValues.data();
    float[] positionData = tensor(positions, "positions").data();
    for (Span span : spans) {
      CpuKvCache cache = (CpuKvCache) span.cache();
      forRows(
          cache.kvHeads(),
          span.rows() * cache.headDim(),
          head ->
              cache.store(
                  layer, head, keyData, valueData, positionData, span.firstRow(), span.rows()));
      cache.grow(layer, span.rows());
    }
  }

  @Override
  public void attention(
      Tensor out,
      Tensor queries,
      List<Span> spans,
      int layer,
      float scale,
      int window,
      Tensor logSums) {
    CpuTensor to = tensor(out, "out");
    CpuTensor from = tensor(queries, "queries");
    check(to != from, "attention: out is queries");
    check(to.columns() == from.columns(), "attention: out is %s, queries %s", to, from);
    check(window > 0, "attention: the window is %s", window);
    checkSpans("attention", spans, layer);
    for (Span span : spans) {
      checkRows(to, span.firstRow() + span.rows(), "out");
      checkQueries("attention", from, span, layer);
      if (logSums != null) {
        checkLogSums("attention", tensor(logSums, "logSums"), from, span);
      }
    }
    float[] sums = logSums == null ? null : tensor(logSums, "logSums").data();
    attention.run(to.data(), from.data(), from.columns(), spans, layer, scale, window, sums);
  }

  @Override
  public void observe(
      Tensor scores,
      Tensor queries,
      Tensor logSums,
      Span span,
      int observed,
      int layer,
      float scale,
      int window,
      int from,
      int to,
      Pooling pooling) {
    CpuTensor out = tensor(scores, "scores");
    CpuTensor in = tensor(queries, "queries");
    CpuTensor sums = tensor(logSums, "logSums");
    CpuKvCache cache = (CpuKvCache) span.cache();
    checkSpans("observe", List.of(span), layer);
    checkQueries("observe", in, span, layer);
    checkLogSums("observe", sums, in, span);
    checkScores("observe", out, cache);
    checkRange("observe", out, from, to);
    check(window > 0, "observe: the window is %s", window);
    check(
        observed > 0 && observed <= span.rows(),
        "observe: %s of a span's %s rows",
        observed,
        span.rows());
    check(
        to <= cache.length(layer),
        "observe: entries [%s, %s) of a cache that holds %s at layer %s",
        from,
        to,
        cache.length(layer),
        layer);
    int heads = in.columns() / cache.headDim();
    Observation.Request request =
        new Observation.Request(span, observed, layer, scale, window, from, to, heads);
    observation.run(out.data(), out.columns(), in.data(), sums.data(), request, pooling);
  }

  @Override
  public void apply(KvCache cache, int layer, CachePlan plan, Rope rope, Tensor scores) {
    CpuKvCache entries = (CpuKvCache) cache;
    CpuRope angles = (CpuRope) rope;
    checkLayer("apply", entries, layer);
    checkHeadDim("apply", entries, angles);
    check(
        entries.length(layer) == plan.length(),
        "apply: a plan for %s entries, layer %s holds %s",
        plan.length(),
        layer,
        entries.length(layer));
    if (!plan.ranks()) {
      compression.run(entries, layer, plan, angles, null, 0);
      return;
    }
    check(scores != null, "apply: the plan ranks entries, there are no scores");
    CpuTensor ranks = tensor(scores, "scores");
    checkScores("apply", ranks, entries);
    checkRange("apply", ranks, 0, plan.length());
    compression.run(entries, layer, plan, angles, ranks.data(), ranks.columns());
  }

  @Override
  public Energy energy(KvCache cache, int layer) {
    CpuKvCache entries = (CpuKvCache) cache;
    checkLayer("energy", entries, layer);
    return entries.energy(layer);
  }

  @Override
  public double[][] spectrum(KvCache cache, int layer, Rope rope, int from, int to) {
    CpuKvCache entries = (CpuKvCache) cache;
    CpuRope angles = (CpuRope) rope;
    checkLayer("spectrum", entries, layer);
    checkHeadDim("spectrum", entries, angles);
    check(
        from >= 0 && from <= to && to <= entries.length(layer),
        "spectrum: entries [%s, %s) of a cache that holds %s at layer %s",
        from,
        to,
        entries.length(layer),
        layer);
    return compression.spectrum(entries, layer, angles, from, to);
  }

  @Override
  public Rows rows(int capacity) {
    return new CpuRows(capacity);
  }

  @Override
  public void best(Rows out, Tensor scores, int from, int to, int count) {
    CpuRows selected = (CpuRows) out;
    CpuTensor ranks = tensor(scores, "scores");
    checkRange("best", ranks, from, to);
    check(
        count >= 0 && count <= to - from && count <= selected.capacity(),
        "best: %s of entries [%s, %s) into a list of %s",
        count,
        from,
        to,
        selected.capacity());
    float[] data = ranks.data();
    float[] sums = Arrays.copyOfRange(data, from, to);
    for (int row = 1; row < ranks.rows(); row++) {
      int at = row * ranks.columns() + from;
      for (int i = 0; i < sums.length; i++) {
        sums[i] += data[at + i];
      }
    }
    ranking.best(sums, 0, sums.length, count, selected.indices(), 0);
    selected.setCount(count);
  }

  @Override
  public void copy(KvCache to, KvCache from) {
    CpuKvCache target = (CpuKvCache) to;
    CpuKvCache source = (CpuKvCache) from;
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
    int heads = source.kvHeads();
    team.run(
        source.layers() * heads,
        (part, worker) -> target.copyFrom(source, part / heads, part % heads));
  }

  @Override
  public void gatherRows(Tensor out, Tensor in, int[] rows) {
    CpuTensor to = tensor(out, "out");
    CpuTensor from = tensor(in, "in");
    checkRows(to, rows.length, "out");
    check(to != from, "gatherRows: out is in");
    check(to.columns() == from.columns(), "gatherRows: out is %s, in %s", to, from);
    int columns = to.columns();
    for (int i = 0; i < rows.length; i++) {
      checkRow(from, rows[i]);
      System.arraycopy(from.data(), rows[i] * columns, to.data(), i * columns, columns);
    }
  }

  @Override
  public void gatherRows(Tensor out, int outRow, Tensor in, int inRow, Rows rows) {
    CpuTensor to = tensor(out, "out");
    CpuTensor from = tensor(in, "in");
    CpuRows selected = (CpuRows) rows;
    checkCopy("gatherRows", to, outRow, from, selected.count());
    int columns = to.columns();
    for (int i = 0; i < selected.count(); i++) {
      int row = inRow + selected.indices()[i];
      checkRow(from, row);
      System.arraycopy(from.data(), row * columns, to.data(), (outRow + i) * columns, columns);
    }
  }

  @Override
  public void copyRows(Tensor out, int outRow, Tensor in, int inRow, int rows) {
    CpuTensor to = tensor(out, "out");
    CpuTensor from = tensor(in, "in");
    checkCopy("copyRows", to, outRow, from, rows);
    check(
        inRow >= 0 && inRow + rows <= from.rows(),
        "copyRows: in is %s, %s rows from %s on are asked for",
        from,
        rows,
        inRow);
    int columns = to.columns();
    System.arraycopy(from.data(), inRow * columns, to.data(), outRow * columns, rows * columns);
  }

  @Override
  public int[] argmax(Tensor in, int rows) {
    CpuTensor from = tensor(in, "in");
    checkRows(from, rows, "in");
    float[] data = from.data();
    int columns = from.columns();
    int[] indices = new int[rows];
    forRows(rows, columns, row -> indices[row] = argmax(data, row, columns));
    return indices;
  }

  private int argmax(float[] data, int row, int columns) {
    int begin = row * columns;
    int whole = columns / kernels.lanes() * kernels.lanes();
    float max = kernels.max(data, begin, whole);
    for (int i = whole; i < columns; i++) {
      max = Math.max(max, data[begin + i]);
    }
    if (Float.isNaN(max)) {
      throw new IllegalStateException(
          "row " + row + " has no largest element: a score is not a number (NaN)");
    }
    for (int i = 0; i < columns; i++) {
      if (data[begin + i] == max) {
        return i;
      }
    }
    throw new AssertionError("the largest element of row " + row + " is not in it");
  }

  @Override
  public float[] read(Tensor in, int row) {
    CpuTensor from = tensor(in, "in");
    checkRow(from, row);
    return Arrays.copyOfRange(from.data(), row * from.columns(), (row + 1) * from.columns());
  }

  @Override
  public int[] read(Rows rows) {
    CpuRows selected = (CpuRows) rows;
    return Arrays.copyOf(selected.indices(), selected.count());
  }

  @Override
  public float[] readKeys(KvCache cache, int layer, int kvHead) {
    return ((CpuKvCache) cache).readKeys(layer, kvHead);
  }

  @Override
  public float[] readValues(KvCache cache, int layer, int kvHead) {
    return ((CpuKvCache) cache).readValues(layer, kvHead);
  }

  @Override
  public void close() {
    team.close();
  }

  /** Work on one row. */
  private interface RowTask {
    void run(int row);
  }

  /** Runs a task on each row, on as many threads as the elements are worth. */
  private void forRows(int rows, int elementsARow, RowTask task) {
    int rowsAPart = Math.max(1, PART_ELEMENTS / elementsARow);
    team.run(
        Sizes.ceilDiv(rows, rowsAPart),
        (part, worker) -> {
          int end = Math.min(rows, (part + 1) * rowsAPart);
          for (int row = part * rowsAPart; row < end; row++) {
            task.run(row);
          }
        });
  }

  private static CpuTensor tensor(Tensor tensor, String name) {
    if (tensor instanceof CpuTensor ours) {
      return ours;
    }
    throw new IllegalArgumentException(name + " is not a tensor of this device");
  }

  private static void checkSpans(String operation, List<Span> spans, int layer) {
    Set<KvCache> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Span span : spans) {
      CpuKvCache cache = (CpuKvCache) span.cache();
      check(
          span.rows() > 0 && span.firstRow() >= 0,
          "%s: a span begins at row %s and has %s",
          operation,
          span.firstRow(),
          span.rows());
      checkLayer(operation, cache, layer);
      check(seen.add(cache), "%s: two spans of one cache", operation);
    }
  }

  /** Whether the queries fit a span whose entries are in its cache. */
  private static void checkQueries(String operation, CpuTensor queries, Span span, int layer) {
    CpuKvCache cache = (CpuKvCache) span.cache();
    checkRows(queries, span.firstRow() + span.rows(), "queries");
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

  private static void checkLogSums(
      String operation, CpuTensor logSums, CpuTensor queries, Span span) {
    CpuKvCache cache = (CpuKvCache) span.cache();
    checkRows(logSums, span.firstRow() + span.rows(), "logSums");
    check(
        logSums.columns() * cache.headDim() == queries.columns(),
        "%s: logSums is %s, queries %s of heads of %s channels",
        operation,
        logSums,
        queries,
        cache.headDim());
  }

  private static void checkScores(String operation, CpuTensor scores, CpuKvCache cache) {
    check(
        scores.rows() == cache.kvHeads(),
        "%s: scores is %s, the cache has %s kv heads",
        operation,
        scores,
        cache.kvHeads());
  }

  private static void checkRange(String operation, CpuTensor scores, int from, int to) {
    check(
        from >= 0 && from <= to && to <= scores.columns(),
        "%s: entries [%s, %s), scores is %s",
        operation,
        from,
        to,
        scores);
  }

  private static void checkLayer(String operation, CpuKvCache cache, int layer) {
    check(
        layer >= 0 && layer < cache.layers(),
        "%s: layer %s of a cache of %s",
        operation,
        layer,
        cache.layers());
  }

  private static void checkHeadDim(String operation, CpuKvCache cache, CpuRope rope) {
    check(
        rope.headDim() == cache.headDim(),
        "%s: the cache's headDim is %s, the embedding's %s",
        operation,
        cache.headDim(),
        rope.headDim());
  }

  /** Rows of a tensor whose only column is their positions. */
  private static CpuTensor positions(Tensor positions, int rows) {
    CpuTensor tensor = tensor(positions, "positions");
    check(tensor.columns() == 1, "positions is %s, not [rows, 1]", tensor);
    checkRows(tensor, rows, "positions");
    return tensor;
  }

  /** Whether two tensors of as many columns have the rows. */
  private static void checkPair(
      String operation, CpuTensor one, String name, CpuTensor other, String otherName, int rows) {
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

  private static void checkCopy(
      String operation, CpuTensor out, int outRow, CpuTensor in, int rows) {
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

  private static void checkRows(CpuTensor tensor, int rows, String name) {
    check(
        rows >= 0 && rows <= tensor.rows(), "%s is %s, the batch has %s rows", name, tensor, rows);
  }

  private static void checkRow(CpuTensor tensor, int row) {
    check(row >= 0 && row < tensor.rows(), "row %s is not in %s", row, tensor);
  }

  // The annotation it asks for would be a dependency; CpuDeviceTest has every message formatted.
  @SuppressWarnings("AnnotateFormatMethod")
  private static void check(boolean condition, String message, Object... arguments) {
    if (!condition) {
      throw new IllegalArgumentException(String.format(message, arguments));
    }
  }
}
