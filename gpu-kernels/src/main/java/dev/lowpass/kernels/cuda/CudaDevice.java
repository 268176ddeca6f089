package dev.lowpass.kernels.cuda;

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
import dev.lowpass.kernels.Quantization;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Rows;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;

/**
 * A GPU as a device: checks shapes and starts kernels, which run in order on one stream; only what
 * comes back to the host is waited for. Activations are float32; matrices, the products' inputs and
 * caches are stored in the checkpoint's type, and summed up in float32. Products of a float32
 * checkpoint are as exact as float32's.
 *
 * <p>A row's result has the same bits in any batch.
 */
public final class CudaDevice implements Device {
  private final Gpu gpu;
  private final Weights weights;
  private final Operands operands;
  private final Products products;
  private final Selection selection;
  private final Compression compression;
  private final SpanTable spanTable;
  private final Attention attention;
  private final Observation observation;
  private final Scratch indices;
  private final Scratch heads;

  /**
   * @param storage what matrices and caches are stored as; null for the first matrix's type
   */
  CudaDevice(Driver driver, DType storage) {
    gpu = new Gpu(driver, storage);
    weights = new Weights(gpu);
    operands = new Operands(gpu);
    indices = new Scratch(gpu.arena(), "indices");
    products = new Products(gpu);
    selection = new Selection(gpu);
    compression = new Compression(gpu, products, selection);
    spanTable = new SpanTable(gpu);
    attention = new Attention(gpu);
    observation = new Observation(gpu);
    heads = new Scratch(gpu.arena(), "a head's entries");
  }

  /**
   * Opens a GPU.
   *
   * @param ordinal which of those that the process sees
   * @throws IllegalArgumentException if there is none that can be used, in one line that says what
   *     is missing
   */
  public static CudaDevice open(int ordinal) {
    return new CudaDevice(CudaDriver.open(ordinal), null);
  }

  /** GPUs that the process sees; 0 where there is no driver. */
  public static int count() {
    return CudaDriver.count();
  }

  @Override
  public String description() {
    return "cuda (" + gpu.driver().description() + ")";
  }

  @Override
  public long freeBytes() {
    return gpu.arena().freeBytes();
  }

  @Override
  public Tensor tensor(int rows, int columns) {
    CudaTensor tensor = new CudaTensor(rows, columns, gpu.arena());
    gpu.driver().clear(tensor.changed(), (long) rows * columns * Float.BYTES);
    return tensor;
  }

  @Override
  public void write(Tensor out, float[] values) {
    DeviceChecks.write(out, values);
    CudaTensor to = tensor(out, "out");
    if (values.length > 0) {
      gpu.write(to.changed(), values);
    }
  }

  @Override
  public Weight weight(String name, DType type, int rows, int columns, ByteBuffer data) {
    return weights.load(name, type, rows, columns, data);
  }

  @Override
  public Weight quantized(String name, DType type, int rows, int columns, ByteBuffer data) {
    return weights.quantize(name, type, rows, columns, data);
  }

  @Override
  public Weight blocks(
      String name, Quantization quantization, int rows, int columns, ByteBuffer data) {
    return weights.blocks(name, quantization, rows, columns, data);
  }

  @Override
  public KvCache kvCache(
      int layers, int kvHeads, int headDim, int capacity, Positions positions, CacheType type) {
    DType stored = gpu.storage();
    DeviceChecks.check(
        type == CacheType.AUTO || type.name().equals(stored.name()),
        "the cuda device stores caches as %s, as it does the checkpoint, and not as %s: use --cache-type auto",
        stored.name().toLowerCase(Locale.ROOT),
        type.name().toLowerCase(Locale.ROOT));
    DeviceChecks.check(
        headDim % 8 == 0 && headDim <= 128,
        "a cache of %s channels a head: the GPU takes multiples of 8 up to 128",
        headDim);
    return new CudaKvCache(layers, kvHeads, headDim, capacity, positions, gpu);
  }

  @Override
  public Rope rope(double[] inverseFrequencies, double attentionFactor) {
    DeviceChecks.check(
        inverseFrequencies.length > 0, "a rotary embedding needs at least one frequency");
    long bytes = (long) inverseFrequencies.length * Double.BYTES;
    Memory memory = gpu.arena().take(bytes, "a rotary embedding", "use a GPU with more memory");
    gpu.write(memory.address(), inverseFrequencies);
    return new CudaRope(2 * inverseFrequencies.length, attentionFactor, memory);
  }

  @Override
  public void embed(Tensor out, Weight table, int[] tokens) {
    DeviceChecks.embed(out, table, tokens);
    CudaTensor to = tensor(out, "out");
    CudaWeight from = (CudaWeight) table;
    DeviceChecks.check(from.scales() == null, "embed: %s is quantized", from);
    if (tokens.length == 0) {
      return;
    }
    gpu.arguments()
        .pointer(to.changed())
        .pointer(from.matrix().address())
        .pointer(upload(tokens))
        .put(to.columns());
    gpu.launch(gpu.typed("embed"), Driver.Grid.of(tokens.length), 128, 0, to, from);
  }

  @Override
  public void rmsNorm(Tensor out, Tensor in, int rows, Weight gain, float epsilon) {
    DeviceChecks.rmsNorm(out, in, rows, gain);
    CudaTensor to = tensor(out, "out");
    CudaTensor from = tensor(in, "in");
    long gains = ((CudaWeight) gain).asVector();
    int size = gain.columns();
    int columns = from.columns();
    if (rows == 0) {
      return;
    }
    long target = to.changed();
    if (size == columns) {
      // A layer's norm is for linear layers to read.
      long operand = operands.accompany(to, rows);
      gpu.arguments()
          .pointer(target)
          .pointer(operand)
          .pointer(from.address())
          .pointer(gains)
          .put(columns)
          .put(epsilon);
      gpu.launch(gpu.typed("rmsNorm"), Driver.Grid.of(rows), 256, 0, to, from, rows, gain);
      return;
    }
    int groups = Math.multiplyExact(rows, columns / size);
    gpu.arguments()
        .pointer(target)
        .pointer(from.address())
        .pointer(gains)
        .put(groups)
        .put(size)
        .put(epsilon);
    gpu.launch(
        "rmsNormHeads", Driver.Grid.of(Layout.ceilDiv(groups, 8)), 256, 0, to, from, rows, gain);
  }

  @Override
  public void linear(Tensor out, Tensor in, int rows, Weight weight, Weight bias) {
    DeviceChecks.linear(out, in, rows, weight, bias);
    CudaTensor to = tensor(out, "out");
    CudaTensor from = tensor(in, "in");
    CudaWeight matrix = (CudaWeight) weight;
    long addend = bias == null ? 0 : ((CudaWeight) bias).asVector();
    if (rows == 0) {
      return;
    }
    long operand = operands.of(from, rows);
    products.run(
        gpu.storage(), to.changed(), operand, rows, matrix, addend, to, from, rows, matrix, bias);
  }

  @Override
  public void add(Tensor accumulator, Tensor addend, int rows) {
    DeviceChecks.add(accumulator, addend, rows);
    CudaTensor to = tensor(accumulator, "accumulator");
    CudaTensor from = tensor(addend, "addend");
    int count = Math.multiplyExact(rows, to.columns());
    if (rows == 0) {
      return;
    }
    gpu.arguments().pointer(to.changed()).pointer(from.address()).put(count);
    gpu.launch("add", Driver.Grid.of(Layout.ceilDiv(count, 1024)), 256, 0, to, from, rows);
  }

  @Override
  public void swiglu(Tensor gate, Tensor up, int rows) {
    DeviceChecks.swiglu(gate, up, rows);
    CudaTensor to = tensor(gate, "gate");
    CudaTensor from = tensor(up, "up");
    if (rows == 0) {
      return;
    }
    gpu.arguments().pointer(to.changed()).pointer(0).pointer(from.address()).put(to.columns());
    gpu.launch(gpu.typed("swiglu"), Driver.Grid.of(rows), 256, 0, to, from, rows);
  }

  @Override
  public void rotate(Tensor heads, Rope rope, Tensor positions, int rows) {
    DeviceChecks.rotate(heads, rope, positions, rows);
    CudaTensor tensor = tensor(heads, "heads");
    CudaTensor places = tensor(positions, "positions");
    CudaRope angles = (CudaRope) rope;
    int headDim = angles.headDim();
    if (rows == 0) {
      return;
    }
    gpu.arguments()
        .pointer(tensor.changed())
        .pointer(places.address())
        .pointer(angles.inverseFrequencies())
        .put(tensor.columns() / headDim)
        .put(headDim)
        .put(angles.attentionFactor());
    gpu.launch("rotate", Driver.Grid.of(rows), 128, 0, tensor, headDim);
  }

  @Override
  public void append(List<Span> spans, int layer, Tensor keys, Tensor values, Tensor positions) {
    DeviceChecks.append(spans, layer, keys, values, positions);
    checkOneShape("append", spans);
    CudaTensor newKeys = tensor(keys, "keys");
    CudaTensor newValues = tensor(values, "values");
    int longest = 0;
    for (Span span : spans) {
      longest = Math.max(longest, span.rows());
    }
    if (spans.isEmpty()) {
      return;
    }
    CudaKvCache first = (CudaKvCache) spans.get(0).cache();
    long table = spanTable.of(spans, layer, /* appending= */ true);
    gpu.arguments()
        .pointer(table)
        .pointer(newKeys.address())
        .pointer(newValues.address())
        .pointer(tensor(positions, "positions").address())
        .put(first.kvHeads())
        .put(first.headDim());
    gpu.launch(
        gpu.typed("append"), Driver.Grid.of(longest, spans.size()), 256, 0, spans, layer, newKeys);
    for (Span span : spans) {
      CudaKvCache cache = (CudaKvCache) span.cache();
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
    checkOneShape("attention", spans);
    CudaTensor to = tensor(out, "out");
    CudaTensor from = tensor(queries, "queries");
    CudaTensor sums = logSums == null ? null : tensor(logSums, "logSums");
    if (!spans.isEmpty()) {
      long table = spanTable.of(spans, layer, /* appending= */ false);
      attention.run(to, from, spans, table, layer, scale, window, sums);
    }
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
    CudaTensor out = tensor(scores, "scores");
    CudaTensor in = tensor(queries, "queries");
    CudaTensor sums = tensor(logSums, "logSums");
    if (from < to) {
      observation.run(out, in, sums, span, observed, layer, scale, window, from, to, pooling);
    }
  }

  @Override
  public void apply(KvCache cache, int layer, CachePlan plan, Rope rope, Tensor scores) {
    DeviceChecks.apply(cache, layer, plan, rope, scores);
    CudaKvCache entries = (CudaKvCache) cache;
    CudaRope angles = (CudaRope) rope;
    CudaTensor ranks = plan.ranks() ? tensor(scores, "scores") : null;
    compression.run(entries, layer, plan, angles, ranks);
  }

  @Override
  public Energy energy(KvCache cache, int layer) {
    DeviceChecks.energy(cache, layer);
    return compression.energy((CudaKvCache) cache, layer);
  }

  @Override
  public double[][] spectrum(KvCache cache, int layer, Rope rope, int from, int to) {
    DeviceChecks.spectrum(cache, layer, rope, from, to);
    CudaKvCache entries = (CudaKvCache) cache;
    CudaRope angles = (CudaRope) rope;
    return compression.spectrum(entries, layer, angles, from, to);
  }

  @Override
  public Rows rows(int capacity) {
    return new CudaRows(capacity, gpu.arena());
  }

  @Override
  public void best(Rows out, Tensor scores, int from, int to, int count) {
    DeviceChecks.best(out, scores, from, to, count);
    CudaRows selected = (CudaRows) out;
    CudaTensor ranks = tensor(scores, "scores");
    selection.best(selected, ranks, from, to, count);
  }

  @Override
  public void copy(KvCache to, KvCache from) {
    DeviceChecks.copy(to, from);
    compression.copy((CudaKvCache) to, (CudaKvCache) from);
  }

  @Override
  public void gatherRows(Tensor out, Tensor in, int[] rows) {
    DeviceChecks.gatherRows(out, in, rows);
    CudaTensor to = tensor(out, "out");
    CudaTensor from = tensor(in, "in");
    if (rows.length > 0) {
      gather(to, 0, from, 0, upload(rows), rows.length);
    }
  }

  @Override
  public void gatherRows(Tensor out, int outRow, Tensor in, int inRow, Rows rows) {
    DeviceChecks.gatherRows(out, outRow, in, rows);
    CudaTensor to = tensor(out, "out");
    CudaTensor from = tensor(in, "in");
    CudaRows selected = (CudaRows) rows;
    DeviceChecks.check(
        inRow >= 0 && inRow + selected.bound() <= from.rows(),
        "gatherRows: in is %s, the rows are selected of %s from row %s on",
        from,
        selected.bound(),
        inRow);
    if (selected.count() > 0) {
      gather(to, outRow, from, inRow, selected.address(), selected.count());
    }
  }

  @Override
  public void copyRows(Tensor out, int outRow, Tensor in, int inRow, int rows) {
    DeviceChecks.copyRows(out, outRow, in, inRow, rows);
    CudaTensor to = tensor(out, "out");
    CudaTensor from = tensor(in, "in");
    if (rows > 0) {
      to.changed();
      gpu.driver()
          .copy(to.address(outRow), from.address(inRow), (long) rows * to.columns() * Float.BYTES);
    }
  }

  private void gather(CudaTensor to, int outRow, CudaTensor from, int inRow, long rows, int count) {
    to.changed();
    gpu.arguments()
        .pointer(to.address(outRow))
        .pointer(from.address(inRow))
        .pointer(rows)
        .put(to.columns());
    gpu.launch("gatherRows", Driver.Grid.of(count), 256, 0, to, from, count);
  }

  @Override
  public int[] argmax(Tensor in, int rows) {
    DeviceChecks.argmax(in, rows);
    CudaTensor from = tensor(in, "in");
    if (rows == 0) {
      return new int[0];
    }
    long out = indices.address((long) rows * Integer.BYTES);
    gpu.arguments().pointer(out).pointer(from.address()).put(from.columns());
    gpu.launch("argmax", Driver.Grid.of(rows), 1024, 0, from, rows);
    int[] largest = gpu.readInts(out, rows);
    for (int row = 0; row < rows; row++) {
      if (largest[row] < 0) {
        throw new IllegalStateException(
            "row " + row + " has no largest element: a score is not a number (NaN)");
      }
    }
    return largest;
  }

  @Override
  public int[] sample(Tensor in, List<Draw> draws) {
    DeviceChecks.sample(in, draws);
    CudaTensor from = tensor(in, "in");
    return draws.isEmpty() ? new int[0] : DeviceChecks.checkSampled(selection.sample(from, draws));
  }

  @Override
  public float[] read(Tensor in, int row) {
    DeviceChecks.checkRow(in, row);
    CudaTensor from = tensor(in, "in");
    return gpu.readFloats(from.address(row), from.columns());
  }

  @Override
  public int[] read(Rows rows) {
    CudaRows selected = (CudaRows) rows;
    return selected.count() == 0 ? new int[0] : gpu.readInts(selected.address(), selected.count());
  }

  @Override
  public float[] readKeys(KvCache cache, int layer, int kvHead) {
    DeviceChecks.readHead(cache, layer, kvHead);
    CudaKvCache entries = (CudaKvCache) cache;
    return readHead(entries, entries.layer(layer).keys(), layer, kvHead);
  }

  @Override
  public float[] readValues(KvCache cache, int layer, int kvHead) {
    DeviceChecks.readHead(cache, layer, kvHead);
    CudaKvCache entries = (CudaKvCache) cache;
    return readHead(entries, entries.layer(layer).values(), layer, kvHead);
  }

  /** A kv head's keys or values {@code [length, headDim]}, made float32 on the way. */
  private float[] readHead(CudaKvCache cache, Memory memory, int layer, int kvHead) {
    int length = cache.length(layer);
    int headDim = cache.headDim();
    if (length == 0) {
      return new float[0];
    }
    DType type = gpu.storage();
    int stride = Layout.stride(headDim);
    long floats = heads.address((long) length * stride * Float.BYTES);
    long from = memory.address() + (long) kvHead * cache.capacity() * headDim * type.bytes();
    gpu.arguments().pointer(floats).pointer(from).put(headDim);
    gpu.launch(
        "convert_" + Gpu.suffix(type) + "_f32", Driver.Grid.of(length), 256, 0, length, headDim);
    float[] padded = gpu.readFloats(floats, Math.multiplyExact(length, stride));
    float[] dense = new float[length * headDim];
    for (int i = 0; i < length; i++) {
      System.arraycopy(padded, i * stride, dense, i * headDim, headDim);
    }
    return dense;
  }

  @Override
  public void close() {
    gpu.close();
  }

  /** Row indices or tokens for the next kernel. */
  private long upload(int[] values) {
    long address = indices.address((long) values.length * Integer.BYTES);
    gpu.write(address, values);
    return address;
  }

  private static CudaTensor tensor(Tensor tensor, String name) {
    if (tensor instanceof CudaTensor ours) {
      return ours;
    }
    throw new IllegalArgumentException(name + " is not a tensor of this device");
  }

  /** A launch has one shape of caches. */
  private static void checkOneShape(String operation, List<Span> spans) {
    for (Span span : spans) {
      CudaKvCache first = (CudaKvCache) spans.get(0).cache();
      CudaKvCache cache = (CudaKvCache) span.cache();
      DeviceChecks.check(
          cache.kvHeads() == first.kvHeads() && cache.headDim() == first.headDim(),
          "%s: a batch's caches have %s kv heads of %s channels and %s of %s",
          operation,
          first.kvHeads(),
          first.headDim(),
          cache.kvHeads(),
          cache.headDim());
    }
  }
}
