package dev.lowpass.kernels.cuda;

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
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

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
  public Tensor tensor(int rows, int columns) {
    CudaTensor tensor = new CudaTensor(rows, columns, gpu.arena());
    gpu.driver().clear(tensor.changed(), (long) rows * columns * Float.BYTES);
    return tensor;
  }

  @Override
  public void write(Tensor out, float[] values) {
    CudaTensor to = tensor(out, "out");
    check(
        values.length <= (long) to.rows() * to.columns(),
        "write: out is %s, there are %s values",
        to,
        values.length);
    if (values.length > 0) {
      gpu.write(to.changed(), values);
    }
  }

  @Override
  public Weight weight(String name, DType type, int rows, int columns, ByteBuffer data) {
    return weights.load(name, type, rows, columns, data);
  }

  @Override
  public KvCache kvCache(int layers, int kvHeads, int headDim, int capacity, Positions positions) {
    check(
        headDim % 8 == 0 && headDim <= 128,
        "a cache of %s channels a head: the GPU takes multiples of 8 up to 128",
        headDim);
    return new CudaKvCache(layers, kvHeads, headDim, capacity, positions, gpu);
  }

  @Override
  public Rope rope(double[] inverseFrequencies, double attentionFactor) {
    check(inverseFrequencies.length > 0, "a rotary embedding needs at least one frequency");
    long bytes = (long) inverseFrequencies.length * Double.BYTES;
    Memory memory = gpu.arena().take(bytes, "a rotary embedding", "use a GPU with more memory");
    gpu.write(memory.address(), inverseFrequencies);
    return new CudaRope(2 * inverseFrequencies.length, attentionFactor, memory);
  }

  @Override
  public void embed(Tensor out, Weight table, int[] tokens) {
    CudaTensor to = tensor(out, "out");
    CudaWeight from = (CudaWeight) table;
    checkRows(to, tokens.length, "out");
    check(to.columns() == from.columns(), "embed: out is %s, the table %s", to, from);
    for (int token : tokens) {
      check(token >= 0 && token < from.rows(), "embed: token %s is not in %s", token, from);
    }
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
    CudaTensor to = tensor(out, "out");
    CudaTensor from = tensor(in, "in");
    long gains = ((CudaWeight) gain).asVector();
    int size = gain.columns();
    int columns = from.columns();
    checkRows(to, rows, "out");
    checkRows(from, rows, "in");
    check(
        to.columns() == columns && columns % size == 0,
        "rmsNorm: out is %s, in %s, the gain %s",
        to,
        from,
        gain);
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
    CudaTensor to = tensor(out, "out");
    CudaTensor from = tensor(in, "in");
    CudaWeight matrix = (CudaWeight) weight;
    checkRows(to, rows, "out");
    checkRows(from, rows, "in");
    check(to != from, "linear: out is in");
    check(
        from.columns() == matrix.columns() && to.columns() == matrix.rows(),
        "linear: in is %s, out %s, the weight %s",
        from,
        to,
        matrix);
    long addend = bias == null ? 0 : ((CudaWeight) bias).asVector();
    check(
        bias == null || bias.columns() == matrix.rows(),
        "linear: the weight is %s, the bias %s",
        matrix,
        bias);
    if (rows == 0) {
      return;
    }
    long operand = operands.of(from, rows);
    products.run(
        gpu.storage(),
        to.changed(),
        operand,
        rows,
        matrix.matrix().address(),
        addend,
        matrix.rows(),
        matrix.columns(),
        to,
        from,
        rows,
        matrix,
        bias);
  }

  @Override
  public void add(Tensor accumulator, Tensor addend, int rows) {
    CudaTensor to = tensor(accumulator, "accumulator");
    CudaTensor from = tensor(addend, "addend");
    checkPair("add", to, "accumulator", from, "addend", rows);
    int count = Math.multiplyExact(rows, to.columns());
    if (rows == 0) {
      return;
    }
    gpu.arguments().pointer(to.changed()).pointer(from.address()).put(count);
    gpu.launch("add", Driver.Grid.of(Layout.ceilDiv(count, 1024)), 256, 0, to, from, rows);
  }

  @Override
  public void swiglu(Tensor gate, Tensor up, int rows) {
    CudaTensor to = tensor(gate, "gate");
    CudaTensor from = tensor(up, "up");
    checkPair("swiglu", to, "gate", from, "up", rows);
    if (rows == 0) {
      return;
    }
    gpu.arguments().pointer(to.changed()).pointer(0).pointer(from.address()).put(to.columns());
    gpu.launch(gpu.typed("swiglu"), Driver.Grid.of(rows), 256, 0, to, from, rows);
  }

  @Override
  public void rotate(Tensor heads, Rope rope, Tensor positions, int rows) {
    CudaTensor tensor = tensor(heads, "heads");
    CudaTensor places = positions(positions, rows);
    CudaRope angles = (CudaRope) rope;
    int headDim = angles.headDim();
    checkRows(tensor, rows, "heads");
    check(
        tensor.columns() % headDim == 0,
        "rotate: heads is %s, the embedding's headDim %s",
        tensor,
        headDim);
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
    CudaTensor newKeys = tensor(keys, "keys");
    CudaTensor newValues = tensor(values, "values");
    checkSpans("append", spans, layer);
    int longest = 0;
    for (Span span : spans) {
      CudaKvCache cache = (CudaKvCache) span.cache();
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
    CudaTensor to = tensor(out, "out");
    CudaTensor from = tensor(queries, "queries");
    check(to != from, "attention: out is queries");
    check(to.columns() == from.columns(), "attention: out is %s, queries %s", to, from);
    check(window > 0, "attention: the window is %s", window);
    checkSpans("attention", spans, layer);
    CudaTensor sums = logSums == null ? null : tensor(logSums, "logSums");
    for (Span span : spans) {
      checkRows(to, span.firstRow() + span.rows(), "out");
      checkQueries("attention", from, span, layer);
      if (sums != null) {
        checkLogSums("attention", sums, from, span);
      }
    }
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
    CudaTensor out = tensor(scores, "scores");
    CudaTensor in = tensor(queries, "queries");
    CudaTensor sums = tensor(logSums, "logSums");
    CudaKvCache cache = (CudaKvCache) span.cache();
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
    if (from < to) {
      observation.run(out, in, sums, span, observed, layer, scale, window, from, to, pooling);
    }
  }

  @Override
  public void apply(KvCache cache, int layer, CachePlan plan, Rope rope, Tensor scores) {
    CudaKvCache entries = (CudaKvCache) cache;
    CudaRope angles = (CudaRope) rope;
    checkLayer("apply", entries, layer);
    checkHeadDim("apply", entries, angles);
    check(
        entries.length(layer) == plan.length(),
        "apply: a plan for %s entries, layer %s holds %s",
        plan.length(),
        layer,
        entries.length(layer));
    CudaTensor ranks = null;
    if (plan.ranks()) {
      check(scores != null, "apply: the plan ranks entries, there are no scores");
      ranks = tensor(scores, "scores");
      checkScores("apply", ranks, entries);
      checkRange("apply", ranks, 0, plan.length());
    }
    compression.run(entries, layer, plan, angles, ranks);
  }

  @Override
  public Energy energy(KvCache cache, int layer) {
    CudaKvCache entries = (CudaKvCache) cache;
    checkLayer("energy", entries, layer);
    return compression.energy(entries, layer);
  }

  @Override
  public double[][] spectrum(KvCache cache, int layer, Rope rope, int from, int to) {
    CudaKvCache entries = (CudaKvCache) cache;
    CudaRope angles = (CudaRope) rope;
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
    return new CudaRows(capacity, gpu.arena());
  }

  @Override
  public void best(Rows out, Tensor scores, int from, int to, int count) {
    CudaRows selected = (CudaRows) out;
    CudaTensor ranks = tensor(scores, "scores");
    checkRange("best", ranks, from, to);
    check(
        count >= 0 && count <= to - from && count <= selected.capacity(),
        "best: %s of entries [%s, %s) into a list of %s",
        count,
        from,
        to,
        selected.capacity());
    selection.best(selected, ranks, from, to, count);
  }

  @Override
  public void copy(KvCache to, KvCache from) {
    CudaKvCache target = (CudaKvCache) to;
    CudaKvCache source = (CudaKvCache) from;
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
    compression.copy(target, source);
  }

  @Override
  public void gatherRows(Tensor out, Tensor in, int[] rows) {
    CudaTensor to = tensor(out, "out");
    CudaTensor from = tensor(in, "in");
    checkRows(to, rows.length, "out");
    check(to != from, "gatherRows: out is in");
    check(to.columns() == from.columns(), "gatherRows: out is %s, in %s", to, from);
    for (int row : rows) {
      checkRow(from, row);
    }
    if (rows.length > 0) {
      gather(to, 0, from, 0, upload(rows), rows.length);
    }
  }

  @Override
  public void gatherRows(Tensor out, int outRow, Tensor in, int inRow, Rows rows) {
    CudaTensor to = tensor(out, "out");
    CudaTensor from = tensor(in, "in");
    CudaRows selected = (CudaRows) rows;
    check(to != from, "gatherRows: out is in");
    check(to.columns() == from.columns(), "gatherRows: out is %s, in %s", to, from);
    check(
        outRow >= 0 && outRow + selected.count() <= to.rows(),
        "gatherRows: out is %s, there are %s rows from row %s on",
        to,
        selected.count(),
        outRow);
    check(
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
    CudaTensor to = tensor(out, "out");
    CudaTensor from = tensor(in, "in");
    check(to != from, "copyRows: out is in");
    check(to.columns() == from.columns(), "copyRows: out is %s, in %s", to, from);
    check(
        rows >= 0
            && outRow >= 0
            && outRow + rows <= to.rows()
            && inRow >= 0
            && inRow + rows <= from.rows(),
        "copyRows: %s rows from row %s of %s to row %s of %s",
        rows,
        inRow,
        from,
        outRow,
        to);
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
    CudaTensor from = tensor(in, "in");
    checkRows(from, rows, "in");
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
  public float[] read(Tensor in, int row) {
    CudaTensor from = tensor(in, "in");
    checkRow(from, row);
    return gpu.readFloats(from.address(row), from.columns());
  }

  @Override
  public int[] read(Rows rows) {
    CudaRows selected = (CudaRows) rows;
    return selected.count() == 0 ? new int[0] : gpu.readInts(selected.address(), selected.count());
  }

  @Override
  public float[] readKeys(KvCache cache, int layer, int kvHead) {
    CudaKvCache entries = (CudaKvCache) cache;
    checkLayer("readKeys", entries, layer);
    return readHead(entries, entries.layer(layer).keys(), layer, kvHead);
  }

  @Override
  public float[] readValues(KvCache cache, int layer, int kvHead) {
    CudaKvCache entries = (CudaKvCache) cache;
    checkLayer("readValues", entries, layer);
    return readHead(entries, entries.layer(layer).values(), layer, kvHead);
  }

  /** A kv head's keys or values {@code [length, headDim]}, made float32 on the way. */
  private float[] readHead(CudaKvCache cache, Memory memory, int layer, int kvHead) {
    check(kvHead >= 0 && kvHead < cache.kvHeads(), "kv head %s of %s", kvHead, cache.kvHeads());
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

  private static CudaTensor positions(Tensor positions, int rows) {
    CudaTensor tensor = tensor(positions, "positions");
    check(
        tensor.columns() == 1 && rows >= 0 && rows <= tensor.rows(),
        "positions is %s, the batch has %s rows",
        tensor,
        rows);
    return tensor;
  }

  private static void checkPair(
      String operation, CudaTensor to, String toName, CudaTensor from, String fromName, int rows) {
    checkRows(to, rows, toName);
    checkRows(from, rows, fromName);
    check(
        to.columns() == from.columns(),
        "%s: %s is %s, %s %s",
        operation,
        toName,
        to,
        fromName,
        from);
  }

  private static void checkSpans(String operation, List<Span> spans, int layer) {
    Set<KvCache> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Span span : spans) {
      CudaKvCache cache = (CudaKvCache) span.cache();
      check(
          span.rows() > 0 && span.firstRow() >= 0,
          "%s: a span begins at row %s and has %s",
          operation,
          span.firstRow(),
          span.rows());
      checkLayer(operation, cache, layer);
      check(seen.add(cache), "%s: two spans of one cache", operation);
      CudaKvCache first = (CudaKvCache) spans.get(0).cache();
      check(
          cache.kvHeads() == first.kvHeads() && cache.headDim() == first.headDim(),
          "%s: a batch's caches have %s kv heads of %s channels and %s of %s",
          operation,
          first.kvHeads(),
          first.headDim(),
          cache.kvHeads(),
          cache.headDim());
    }
  }

  private static void checkLayer(String operation, CudaKvCache cache, int layer) {
    check(
        layer >= 0 && layer < cache.layers(),
        "%s: layer %s of a cache of %s",
        operation,
        layer,
        cache.layers());
  }

  private static void checkHeadDim(String operation, CudaKvCache cache, CudaRope rope) {
    check(
        rope.headDim() == cache.headDim(),
        "%s: the cache's headDim is %s, the embedding's %s",
        operation,
        cache.headDim(),
        rope.headDim());
  }

  private static void checkQueries(String operation, CudaTensor queries, Span span, int layer) {
    CudaKvCache cache = (CudaKvCache) span.cache();
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
      String operation, CudaTensor logSums, CudaTensor queries, Span span) {
    CudaKvCache cache = (CudaKvCache) span.cache();
    checkRows(logSums, span.firstRow() + span.rows(), "logSums");
    check(
        logSums.columns() * cache.headDim() == queries.columns(),
        "%s: logSums is %s, queries %s of heads of %s channels",
        operation,
        logSums,
        queries,
        cache.headDim());
  }

  private static void checkScores(String operation, CudaTensor scores, CudaKvCache cache) {
    check(
        scores.rows() == cache.kvHeads(),
        "%s: scores is %s, the cache has %s kv heads",
        operation,
        scores,
        cache.kvHeads());
  }

  private static void checkRange(String operation, CudaTensor scores, int from, int to) {
    check(
        from >= 0 && from <= to && to <= scores.columns(),
        "%s: entries [%s, %s), scores is %s",
        operation,
        from,
        to,
        scores);
  }

  private static void checkRows(CudaTensor tensor, int rows, String name) {
    check(
        rows >= 0 && rows <= tensor.rows(), "%s is %s, the batch has %s rows", name, tensor, rows);
  }

  private static void checkRow(CudaTensor tensor, int row) {
    check(row >= 0 && row < tensor.rows(), "row %s is not in %s", row, tensor);
  }

  // The annotation it asks for would be a dependency.
  @SuppressWarnings("AnnotateFormatMethod")
  private static void check(boolean condition, String message, Object... arguments) {
    if (!condition) {
      throw new IllegalArgumentException(String.format(message, arguments));
    }
  }
}
