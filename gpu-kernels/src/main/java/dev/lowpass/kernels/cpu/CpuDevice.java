package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Rope;
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
  private final Compression compression;

  CpuDevice(Kernels kernels, int threads) {
    this.kernels = kernels;
    team = new Team(threads);
    linear = new Linear(kernels, team);
    attention = new Attention(kernels, team);
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
  public Weight weight(String name, DType type, int rows, int columns, ByteBuffer data) {
    return new CpuWeight(name, type, rows, columns, data);
  }

  @Override
  public KvCache kvCache(int layers, int kvHeads, int headDim, int capacity) {
    return new CpuKvCache(layers, kvHeads, headDim, capacity, kernels.lanes());
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
    checkRows(to, rows, "accumulator");
    checkRows(from, rows, "addend");
    check(to.columns() == from.columns(), "add: accumulator is %s, addend %s", to, from);
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
    checkRows(to, rows, "gate");
    checkRows(from, rows, "up");
    check(to.columns() == from.columns(), "swiglu: gate is %s, up %s", to, from);
    float[] target = to.data();
    float[] source = from.data();
    int columns = to.columns();
    forRows(rows, columns, row -> kernels.swiglu(target, source, row * columns, columns));
  }

  @Override
  public void rotate(Tensor heads, Rope rope, float[] positions) {
    CpuTensor tensor = tensor(heads, "heads");
    CpuRope angles = (CpuRope) rope;
    int headDim = angles.headDim();
    int columns = tensor.columns();
    checkRows(tensor, positions.length, "heads");
    check(
        columns % headDim == 0, "rotate: heads is %s, the embedding's headDim %s", tensor, headDim);
    angles.prepare(positions, team);
    float[] data = tensor.data();
    int half = headDim / 2;
    forRows(
        positions.length,
        columns,
        row -> {
          for (int i = row * columns; i < (row + 1) * columns; i += headDim) {
            kernels.rotate(data, i, half, angles.cosines(), angles.sines(), row * half);
          }
        });
  }

  @Override
  public void append(List<Span> spans, int layer, Tensor keys, Tensor values) {
    CpuTensor newKeys = tensor(keys, "keys");
    CpuTensor newValues = tensor(values, "values");
    checkSpans("append", spans, layer);
    for (Span span : spans) {
      CpuKvCache cache = (CpuKvCache) span.cache();
      int columns = cache.kvHeads() * cache.headDim();
      checkRows(newKeys, span.firstRow() + span.rows(), "keys");
      checkRows(newValues, span.firstRow() + span.rows(), "values");
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
    for (Span span : spans) {
      CpuKvCache cache = (CpuKvCache) span.cache();
      forRows(
          cache.kvHeads(),
          span.rows() * cache.headDim(),
          head -> cache.store(layer, head, keyData, valueData, span.firstRow(), span.rows()));
      cache.grow(layer, span.rows());
    }
  }

  @Override
  public void attention(
      Tensor out, Tensor queries, List<Span> spans, int layer, float scale, int window) {
    CpuTensor to = tensor(out, "out");
    CpuTensor from = tensor(queries, "queries");
    check(to != from, "attention: out is queries");
    check(to.columns() == from.columns(), "attention: out is %s, queries %s", to, from);
    check(window > 0, "attention: the window is %s", window);
    checkSpans("attention", spans, layer);
    for (Span span : spans) {
      CpuKvCache cache = (CpuKvCache) span.cache();
      checkRows(to, span.firstRow() + span.rows(), "out");
      checkRows(from, span.firstRow() + span.rows(), "queries");
      int heads = from.columns() / cache.headDim();
      check(
          heads * cache.headDim() == from.columns() && heads % cache.kvHeads() == 0,
          "attention: queries is %s, the cache has %s kv heads of %s channels",
          from,
          cache.kvHeads(),
          cache.headDim());
      check(
          span.rows() <= cache.length(layer),
          "attention: a span has %s rows, its cache %s entries at layer %s",
          span.rows(),
          cache.length(layer),
          layer);
    }
    attention.run(to.data(), from.data(), from.columns(), spans, layer, scale, window);
  }

  @Override
  public void apply(KvCache cache, CachePlan plan, Rope rope) {
    CpuKvCache entries = (CpuKvCache) cache;
    CpuRope angles = (CpuRope) rope;
    check(
        angles.headDim() == entries.headDim(),
        "apply: the cache's headDim is %s, the embedding's %s",
        entries.headDim(),
        angles.headDim());
    for (int layer = 0; layer < entries.layers(); layer++) {
      check(
          entries.length(layer) == plan.length(),
          "apply: a plan for %s entries, layer %s holds %s",
          plan.length(),
          layer,
          entries.length(layer));
    }
    compression.run(entries, plan, angles);
  }

  @Override
  public void copy(KvCache to, KvCache from) {
    CpuKvCache target = (CpuKvCache) to;
    CpuKvCache source = (CpuKvCache) from;
    check(
        target != source
            && target.layers() == source.layers()
            && target.kvHeads() == source.kvHeads()
            && target.headDim() == source.headDim(),
        "copy: the caches are one, or differ in shape");
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
      check(
          layer >= 0 && layer < cache.layers(),
          "%s: layer %s of a cache of %s",
          operation,
          layer,
          cache.layers());
      check(seen.add(cache), "%s: two spans of one cache", operation);
    }
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
