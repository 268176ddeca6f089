package dev.lowpass.kernels;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * How fast a device's operations are, as a caller sees them: several calls one behind the other,
 * and a number read back at the end. Weights and caches are bfloat16, of random numbers.
 */
public final class KernelBench {
  private static final int ROUNDS = 5;

  private final Device device;
  private final Sizes sizes;
  private final Random random = new Random(1);
  private final Tensor end;
  private final List<Figure> figures = new ArrayList<>();

  /**
   * What is measured.
   *
   * @param copyMebibytes of the copy that tells the memory's bandwidth
   * @param products edges of the square matrix products
   * @param hidden inputs of the products with few rows
   * @param intermediate outputs of the products with few rows
   * @param heads query heads of the attention
   * @param kvHeads key/value heads
   * @param headDim channels a head
   * @param tokens of the prompt that attention reads
   * @param batch sequences of a decode step
   * @param entries of a sequence's cache there
   * @param seconds that a measurement takes at least
   */
  public record Sizes(
      int copyMebibytes,
      List<Integer> products,
      int hidden,
      int intermediate,
      int heads,
      int kvHeads,
      int headDim,
      int tokens,
      int batch,
      int entries,
      double seconds) {
    /** Those of a Llama of 8 billion parameters. */
    public static final Sizes GPU =
        new Sizes(1024, List.of(4096, 8192), 4096, 14_336, 32, 8, 128, 8192, 32, 2048, 0.2);

    /** Those that an emulator gets through in seconds. */
    public static final Sizes EMULATOR =
        new Sizes(1, List.of(64), 64, 96, 4, 2, 32, 160, 3, 100, 0);
  }

  /**
   * A measurement.
   *
   * @param limit what part of the measured copy bandwidth it reaches; not a number for what memory
   *     does not bound
   */
  public record Figure(String name, double value, String unit, double limit) {}

  private KernelBench(Device device, Sizes sizes) {
    this.device = device;
    this.sizes = sizes;
    end = device.tensor(1, 1);
  }

  /** Measures on a device that was just opened. */
  public static List<Figure> run(Device device, Sizes sizes) {
    KernelBench bench = new KernelBench(device, sizes);
    // The first matrix decides what the device stores.
    Weight[] weights = bench.weights();
    double bandwidth = bench.copy();
    for (int rows : new int[] {1, sizes.batch()}) {
      bench.fewRows(weights, rows, bandwidth);
    }
    for (int edge : sizes.products()) {
      bench.product(edge);
    }
    bench.prefillAttention();
    bench.decodeAttention(bandwidth);
    return List.copyOf(bench.figures);
  }

  /** Bytes a second, those read and those written. */
  private double copy() {
    int columns = 1 << 18;
    try (Tensor from = device.tensor(sizes.copyMebibytes(), columns);
        Tensor to = device.tensor(sizes.copyMebibytes(), columns)) {
      double seconds = time(() -> device.copyRows(to, 0, from, 0, sizes.copyMebibytes()));
      double bandwidth = 2.0 * sizes.copyMebibytes() * columns * Float.BYTES / seconds;
      figures.add(new Figure("copy on the device", bandwidth / 1e9, "GB/s", Double.NaN));
      return bandwidth;
    }
  }

  /** Enough of them that none is in a cache when its turn comes again. */
  private Weight[] weights() {
    Weight[] weights = new Weight[4];
    Arrays.setAll(weights, i -> weight(sizes.intermediate(), sizes.hidden()));
    return weights;
  }

  private void fewRows(Weight[] weights, int rows, double bandwidth) {
    try (Tensor in = random(rows, sizes.hidden());
        Tensor out = device.tensor(rows, sizes.intermediate())) {
      int[] next = {0};
      double seconds =
          time(() -> device.linear(out, in, rows, weights[next[0]++ % weights.length], null));
      double bytes = 2.0 * sizes.intermediate() * sizes.hidden();
      String shape = sizes.intermediate() + " x " + sizes.hidden();
      add(
          "product " + shape + ", " + rows + (rows == 1 ? " row" : " rows"),
          bytes,
          seconds,
          bandwidth);
    }
  }

  private void product(int edge) {
    Weight weight = weight(edge, edge);
    try (Tensor in = random(edge, edge);
        Tensor out = device.tensor(edge, edge)) {
      double seconds = time(() -> device.linear(out, in, edge, weight, null));
      double operations = 2.0 * edge * edge * edge;
      figures.add(
          new Figure("product " + edge + "^3", operations / seconds / 1e12, "TFLOP/s", Double.NaN));
    }
  }

  private void prefillAttention() {
    int tokens = sizes.tokens();
    int columns = sizes.heads() * sizes.headDim();
    try (KvCache cache = cache(tokens);
        Tensor queries = random(tokens, columns);
        Tensor out = device.tensor(tokens, columns)) {
      List<Span> spans = List.of(new Span(cache, 0, tokens));
      fill(spans, tokens);
      double seconds = time(() -> attend(out, queries, spans));
      // Two products of a row with the entries up to its own.
      double operations = 2.0 * columns * tokens * (tokens + 1.0);
      figures.add(
          new Figure(
              "attention, prefill of " + tokens + " tokens",
              operations / seconds / 1e12,
              "TFLOP/s",
              Double.NaN));
    }
  }

  private void decodeAttention(double bandwidth) {
    List<Span> spans = new ArrayList<>();
    int columns = sizes.heads() * sizes.headDim();
    try (Tensor queries = random(sizes.batch(), columns);
        Tensor out = device.tensor(sizes.batch(), columns)) {
      for (int i = 0; i < sizes.batch(); i++) {
        KvCache cache = cache(sizes.entries());
        fill(List.of(new Span(cache, 0, sizes.entries())), sizes.entries());
        spans.add(new Span(cache, i, 1));
      }
      double seconds = time(() -> attend(out, queries, spans));
      double bytes = 4.0 * sizes.kvHeads() * sizes.headDim() * sizes.entries() * sizes.batch();
      add(
          "attention, decode of " + sizes.batch() + " x " + sizes.entries() + " entries",
          bytes,
          seconds,
          bandwidth);
    } finally {
      spans.forEach(span -> span.cache().close());
    }
  }

  private void attend(Tensor out, Tensor queries, List<Span> spans) {
    float scale = (float) (1 / Math.sqrt(sizes.headDim()));
    device.attention(out, queries, spans, 0, scale, Integer.MAX_VALUE, null);
  }

  private KvCache cache(int capacity) {
    return device.kvCache(1, sizes.kvHeads(), sizes.headDim(), capacity, Positions.CACHE);
  }

  private void fill(List<Span> spans, int rows) {
    try (Tensor keys = random(rows, sizes.kvHeads() * sizes.headDim());
        Tensor values = random(rows, sizes.kvHeads() * sizes.headDim());
        Tensor positions = device.tensor(rows, 1)) {
      device.append(spans, 0, keys, values, positions);
    }
  }

  private void add(String name, double bytes, double seconds, double bandwidth) {
    figures.add(new Figure(name, bytes / seconds / 1e9, "GB/s", bytes / seconds / bandwidth));
  }

  private Tensor random(int rows, int columns) {
    float[] values = new float[Math.multiplyExact(rows, columns)];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    Tensor tensor = device.tensor(rows, columns);
    device.write(tensor, values);
    return tensor;
  }

  private Weight weight(int rows, int columns) {
    int count = Math.multiplyExact(rows, columns);
    ByteBuffer bytes = ByteBuffer.allocateDirect(2 * count).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      bytes.putShort((short) (Float.floatToRawIntBits(random.nextFloat() - 0.5f) >>> 16));
    }
    return device.weight("random", DType.BF16, rows, columns, bytes.flip());
  }

  /** Seconds a call, the median of some rounds. */
  private double time(Runnable operation) {
    operation.run();
    int calls = 1;
    while (seconds(operation, calls) < sizes.seconds()) {
      calls *= 2;
    }
    double[] rounds = new double[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
      rounds[i] = seconds(operation, calls) / calls;
    }
    Arrays.sort(rounds);
    return rounds[ROUNDS / 2];
  }

  private double seconds(Runnable operation, int calls) {
    device.read(end, 0);
    long start = System.nanoTime();
    for (int i = 0; i < calls; i++) {
      operation.run();
    }
    device.read(end, 0);
    return (System.nanoTime() - start) / 1e9;
  }
}
