package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CacheType;
import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.DeviceChecks;
import dev.lowpass.kernels.Draw;
import dev.lowpass.kernels.Energy;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Pooling;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Projection;
import dev.lowpass.kernels.Quantization;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Rows;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import dev.lowpass.kernels.onednn.OneDnn;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

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
  private final WeightMemory weights;

  /** Takes BF16 weights' products over; null for a device in pure Java. */
  private final OneDnnLinear oneDnn;

  private final Attention attention;
  private final Observation observation;
  private final Compression compression;
  private final Ranking ranking = new Ranking();

  CpuDevice(Kernels kernels, int threads) {
    this(kernels, threads, null, new WeightMemory());
  }

  CpuDevice(Kernels kernels, int threads, OneDnn library, WeightMemory weights) {
    this.kernels = kernels;
    this.weights = weights;
    team = new Team(threads);
    linear = new Linear(kernels, team);
    oneDnn = library == null ? null : new OneDnnLinear(library, team);
    attention = new Attention(kernels, team);
    observation = new Observation(kernels, team);
    compression = new Compression(kernels, team);
  }

  /**
   * Opens the device with a team of its own.
   *
   * @param threads threads that compute, the caller's included; 0 for all that the process may use
   */
  public static CpuDevice open(int threads) {
    return new CpuDevice(KernelsProvider.get(), size(threads));
  }

  /**
   * Opens the device with oneDNN for the products with BF16 weights: many times as fast, and with
   * the inputs of those products rounded to BF16.
   *
   * @param threads as {@link #open}'s
   * @throws IllegalArgumentException if oneDNN is not to be had, in one line
   */
  public static CpuDevice openOneDnn(int threads) {
    return new CpuDevice(KernelsProvider.get(), size(threads), OneDnn.get(), new WeightMemory());
  }

  private static int size(int threads) {
    if (threads < 0) {
      throw new IllegalArgumentException("threads is " + threads + ": use 0 (all) or more");
    }
    return threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
  }

  @Override
  public String description() {
    int threads = team.size();
    return String.format(
        "cpu (%s%s, %d thread%s)",
        kernels.description(),
        oneDnn == null ? "" : ", " + oneDnn.description(),
        threads,
        threads == 1 ? "" : "s");
  }

  @Override
  public long freeBytes() {
    return freeHeap();
  }

  /** Bytes of the heap that may still be taken before any garbage is collected. */
  static long freeHeap() {
    Runtime runtime = Runtime.getRuntime();
    return runtime.maxMemory() - runtime.totalMemory() + runtime.freeMemory();
  }

  @Override
  public Tensor tensor(int rows, int columns) {
    return new CpuTensor(rows, columns);
  }

  @Override
  public void write(Tensor out, float[] values) {
    DeviceChecks.write(out, values);
    CpuTensor to = tensor(out, "out");
    System.arraycopy(values, 0, to.data(), 0, values.length);
  }

  @Override
  public Weight weight(String name, DType type, int rows, int columns, ByteBuffer data) {
    return new CpuWeight(name, type, rows, columns, data);
  }

  @Override
  public Weight quantized(String name, DType type, int rows, int columns, ByteBuffer data) {
    return new CpuWeight(name, type, rows, columns, data).quantized();
  }

  @Override
  public Weight blocks(
      String name, Quantization quantization, int rows, int columns, ByteBuffer data) {
    CpuWeight weight = new CpuWeight(name, quantization, rows, columns, data);
    if (kernels.readsArrays()) {
      weight.copyTo(weights);
    }
    return weight;
  }

  @Override
  public KvCache kvCache(
      int layers, int kvHeads, int headDim, int capacity, Positions positions, CacheType type) {
    return new CpuKvCache(layers, kvHeads, headDim, capacity, positions, type, kernels);
  }

  @Override
  public Rope rope(double[] inverseFrequencies, double attentionFactor) {
    return new CpuRope(inverseFrequencies, attentionFactor);
  }

  @Override
  public void embed(Tensor out, Weight table, int[] tokens) {
    DeviceChecks.embed(out, table, tokens);
    CpuTensor to = tensor(out, "out");
    CpuWeight from = (CpuWeight) table;
    float[] floats = to.data();
    int columns = to.columns();
    forRows(
        tokens.length, columns, row -> from.get(tokens[row], 0, columns, floats, row * columns));
  }

  @Override
  public void rmsNorm(Tensor out, Tensor in, int rows, Weight gain, float epsilon) {
    DeviceChecks.rmsNorm(out, in, rows, gain);
    CpuTensor to = tensor(out, "out");
    CpuTensor from = tensor(in, "in");
    float[] gains = ((CpuWeight) gain).vector();
    int size = gains.length;
    int columns = from.columns();
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
    DeviceChecks.linear(out, in, rows, weight, bias);
    CpuTensor to = tensor(out, "out");
    CpuTensor from = tensor(in, "in");
    CpuWeight matrix = (CpuWeight) weight;
    float[] addend = bias == null ? null : ((CpuWeight) bias).vector();
    if (oneDnn != null && OneDnnLinear.takes(matrix)) {
      oneDnn.run(to.data(), from.data(), rows, matrix, addend);
    } else {
      linear.run(to.data(), from.data(), rows, matrix, addend);
    }
  }

  @Override
  public void linear(Tensor in, int rows, List<Projection> projections) {
    if (oneDnn != null) {
      Device.super.linear(in, rows, projections);
      return;
    }
    for (int i = 0; i < projections.size(); i++) {
      Projection projection = projections.get(i);
      tensor(projection.out(), "out");
      DeviceChecks.linear(projection.out(), in, rows, projection.weight(), projection.bias());
    }
    linear.run(tensor(in, "in").data(), rows, projections);
  }

  @Override
  public void add(Tensor accumulator, Tensor addend, int rows) {
    DeviceChecks.add(accumulator, addend, rows);
    CpuTensor to = tensor(accumulator, "accumulator");
    CpuTensor from = tensor(addend, "addend");
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
    DeviceChecks.swiglu(gate, up, rows);
    CpuTensor to = tensor(gate, "gate");
    CpuTensor from = tensor(up, "up");
    float[] target = to.data();
    float[] source = from.data();
    int columns = to.columns();
    forRows(rows, columns, row -> kernels.swiglu(target, source, row * columns, columns));
  }

  @Override
  public void rotate(Tensor heads, Rope rope, Tensor positions, int rows) {
    DeviceChecks.rotate(heads, rope, positions, rows);
    CpuTensor tensor = tensor(heads, "heads");
    CpuTensor places = tensor(positions, "positions");
    CpuRope angles = (CpuRope) rope;
    int headDim = angles.headDim();
    int columns = tensor.columns();
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
    DeviceChecks.append(spans, layer, keys, values, positions);
    CpuTensor newKeys = tensor(keys, "keys");
    CpuTensor newValues = tensor(values, "values");
    float[] keyData = newKeys.data();
    float[] valueData = newValues.data();
    float[] positionData = tensor(positions, "positions").data();
    int heads = 0;
    int elements = 1;
    for (Span span : spans) {
      CpuKvCache cache = (CpuKvCache) span.cache();
      heads = Math.max(heads, cache.kvHeads());
      elements = Math.max(elements, span.rows() * cache.headDim());
    }
    int headsASpan = heads;
    // One kv head of a span at a time. Each element of a key lies in a cache line of its own.
    forRows(
        spans.size() * headsASpan,
        elements * AlignedFloats.LINE,
        index -> {
          Span span = spans.get(index / headsASpan);
          CpuKvCache cache = (CpuKvCache) span.cache();
          int head = index % headsASpan;
          if (head < cache.kvHeads()) {
            cache.store(
                layer, head, keyData, valueData, positionData, span.firstRow(), span.rows());
          }
        });
    for (Span span : spans) {
      CpuKvCache cache = (CpuKvCache) span.cache();
      cache.setLength(layer, cache.length(layer) + span.rows());
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
    DeviceChecks.attention(out, queries, spans, layer, window, logSums);
    CpuTensor to = tensor(out, "out");
    CpuTensor from = tensor(queries, "queries");
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
    DeviceChecks.observe(scores, queries, logSums, span, observed, layer, window, from, to);
    CpuTensor out = tensor(scores, "scores");
    CpuTensor in = tensor(queries, "queries");
    CpuTensor sums = tensor(logSums, "logSums");
    CpuKvCache cache = (CpuKvCache) span.cache();
    int heads = in.columns() / cache.headDim();
    Observation.Request request =
        new Observation.Request(span, observed, layer, scale, window, from, to, heads);
    observation.run(out.data(), out.columns(), in.data(), sums.data(), request, pooling);
  }

  @Override
  public void apply(KvCache cache, int layer, CachePlan plan, Rope rope, Tensor scores) {
    DeviceChecks.apply(cache, layer, plan, rope, scores);
    CpuKvCache entries = (CpuKvCache) cache;
    CpuRope angles = (CpuRope) rope;
    if (!plan.ranks()) {
      compression.run(entries, layer, plan, angles, null, 0);
      return;
    }
    CpuTensor ranks = tensor(scores, "scores");
    compression.run(entries, layer, plan, angles, ranks.data(), ranks.columns());
  }

  @Override
  public Energy energy(KvCache cache, int layer) {
    DeviceChecks.energy(cache, layer);
    return ((CpuKvCache) cache).energy(layer);
  }

  @Override
  public double[][] spectrum(KvCache cache, int layer, Rope rope, int from, int to) {
    DeviceChecks.spectrum(cache, layer, rope, from, to);
    CpuKvCache entries = (CpuKvCache) cache;
    CpuRope angles = (CpuRope) rope;
    return compression.spectrum(entries, layer, angles, from, to);
  }

  @Override
  public Rows rows(int capacity) {
    return new CpuRows(capacity);
  }

  @Override
  public void best(Rows out, Tensor scores, int from, int to, int count) {
    DeviceChecks.best(out, scores, from, to, count);
    CpuRows selected = (CpuRows) out;
    CpuTensor ranks = tensor(scores, "scores");
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
    DeviceChecks.copy(to, from);
    CpuKvCache target = (CpuKvCache) to;
    CpuKvCache source = (CpuKvCache) from;
    int heads = source.kvHeads();
    team.run(
        source.layers() * heads,
        (part, worker) -> target.copyFrom(source, part / heads, part % heads));
  }

  @Override
  public void gatherRows(Tensor out, Tensor in, int[] rows) {
    DeviceChecks.gatherRows(out, in, rows);
    CpuTensor to = tensor(out, "out");
    CpuTensor from = tensor(in, "in");
    int columns = to.columns();
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(from.data(), rows[i] * columns, to.data(), i * columns, columns);
    }
  }

  @Override
  public void gatherRows(Tensor out, int outRow, Tensor in, int inRow, Rows rows) {
    DeviceChecks.gatherRows(out, outRow, in, rows);
    CpuTensor to = tensor(out, "out");
    CpuTensor from = tensor(in, "in");
    CpuRows selected = (CpuRows) rows;
    int columns = to.columns();
    for (int i = 0; i < selected.count(); i++) {
      int row = inRow + selected.indices()[i];
      DeviceChecks.checkRow(from, row);
      System.arraycopy(from.data(), row * columns, to.data(), (outRow + i) * columns, columns);
    }
  }

  @Override
  public void copyRows(Tensor out, int outRow, Tensor in, int inRow, int rows) {
    DeviceChecks.copyRows(out, outRow, in, inRow, rows);
    CpuTensor to = tensor(out, "out");
    CpuTensor from = tensor(in, "in");
    int columns = to.columns();
    System.arraycopy(from.data(), inRow * columns, to.data(), outRow * columns, rows * columns);
  }

  @Override
  public int[] argmax(Tensor in, int rows) {
    DeviceChecks.argmax(in, rows);
    CpuTensor from = tensor(in, "in");
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
  public int[] sample(Tensor in, List<Draw> draws) {
    DeviceChecks.sample(in, draws);
    CpuTensor from = tensor(in, "in");
    float[] data = from.data();
    int columns = from.columns();
    int[] indices = new int[draws.size()];
    forRows(
        indices.length,
        columns,
        row ->
            indices[row] =
                draws.get(row).of(Arrays.copyOfRange(data, row * columns, (row + 1) * columns)));
    return DeviceChecks.checkSampled(indices);
  }

  @Override
  public float[] read(Tensor in, int row) {
    DeviceChecks.checkRow(in, row);
    CpuTensor from = tensor(in, "in");
    return Arrays.copyOfRange(from.data(), row * from.columns(), (row + 1) * from.columns());
  }

  @Override
  public int[] read(Rows rows) {
    CpuRows selected = (CpuRows) rows;
    return Arrays.copyOf(selected.indices(), selected.count());
  }

  @Override
  public float[] readKeys(KvCache cache, int layer, int kvHead) {
    DeviceChecks.readHead(cache, layer, kvHead);
    return ((CpuKvCache) cache).readKeys(layer, kvHead);
  }

  @Override
  public float[] readValues(KvCache cache, int layer, int kvHead) {
    DeviceChecks.readHead(cache, layer, kvHead);
    return ((CpuKvCache) cache).readValues(layer, kvHead);
  }

  @Override
  public void close() {
    team.close();
    if (oneDnn != null) {
      oneDnn.close();
    }
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
}
