package dev.lowpass.kernels.cpu;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.onednn.OneDnn;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Products with a BF16 weight by oneDNN, which reads it where it is mapped. The rows are rounded to
 * BF16; sums are float32. Each thread of the team multiplies a block of rows with a panel of
 * outputs at a time, alone.
 *
 * <p>A row's bits must not depend on how many rows come with it, which oneDNN does not promise: it
 * picks kernels by shape. So a weight's panels depend on the weight alone, and a number of rows is
 * used with a panel only once its product was seen to have the bits of {@value #UNIT} rows' product
 * ({@link #agrees}); where it has not, blocks are {@value #UNIT} rows. All rows go this way, a
 * decode step's single one too, padded: what lies behind the rows touches nothing but its own
 * results.
 */
final class OneDnnLinear implements AutoCloseable {
  /** A tile's rows: fewer take as long. */
  private static final int UNIT = 16;

  /** Numbers of rows above this one are multiples of it, so that few shapes are compiled. */
  private static final int STEP = 64;

  /** Rows of a block at most: its sums stay in the L2 cache. */
  private static final int MAX_ROWS = 512;

  /** Outputs of a panel at most. */
  private static final int MAX_PANEL = 256;

  /** Panels are multiples of this, two tiles. */
  private static final int PANEL_STEP = 32;

  private static final int ALIGNMENT = 64;

  /** A product's shape. */
  private record Shape(int rows, int outputs, int columns) {}

  private final OneDnn library;
  private final Team team;
  private final Worker[] workers;
  private final Map<Shape, Boolean> agreements = new HashMap<>();

  /** The rows as BF16. */
  private Block rounded = new Block(0);

  OneDnnLinear(OneDnn library, Team team) {
    this.library = library;
    this.team = team;
    workers = new Worker[team.size()];
    Arrays.setAll(workers, i -> new Worker());
  }

  String description() {
    return "oneDNN " + library.description() + " for BF16";
  }

  /** Whether it has a product with this weight: it reads BF16 outside of the heap. */
  static boolean takes(CpuWeight weight) {
    return weight.type() == DType.BF16 && weight.data().isDirect();
  }

  /** {@code out[i, o] = sum of bf16(in[i, c]) * weight[o, c] + bias[o]}; the bias may be null. */
  void run(float[] out, float[] in, int rows, CpuWeight weight, float[] bias) {
    int columns = weight.columns();
    int outputs = weight.rows();
    int panel = panel(outputs);
    int panels = Sizes.ceilDiv(outputs, panel);
    int lastPanel = outputs - (panels - 1) * panel;
    int block = block(rows, panels);
    if (!agrees(block, panel, weight, 0)
        || !agrees(block, lastPanel, weight, outputs - lastPanel)) {
      block = UNIT;
    }
    int blocks = Sizes.ceilDiv(rows, block);
    int lastBlock = size(rows - (blocks - 1) * block);
    if (lastBlock < block
        && (!agrees(lastBlock, panel, weight, 0)
            || !agrees(lastBlock, lastPanel, weight, outputs - lastPanel))) {
      lastBlock = block;
    }
    rounded = rounded.atLeast((long) blocks * block * columns * Short.BYTES);
    team.run(
        Sizes.ceilDiv(rows, UNIT),
        (part, worker) -> workers[worker].round(in, part * UNIT, rows, columns));
    int blockRows = block;
    int lastRows = lastBlock;
    long weights = address(weight.data());
    team.run(
        panels * blocks,
        (part, worker) -> {
          int firstRow = part / panels * blockRows;
          int firstOutput = part % panels * panel;
          Shape shape =
              new Shape(
                  part / panels == blocks - 1 ? lastRows : blockRows,
                  part % panels == panels - 1 ? lastPanel : panel,
                  columns);
          long at = weights + (long) firstOutput * weight.stride();
          FloatBuffer sums = workers[worker].product(shape, rounded, firstRow, at);
          store(out, firstRow, rows, outputs, firstOutput, shape, sums, bias);
        });
  }

  private static void store(
      float[] out,
      int firstRow,
      int rows,
      int outputs,
      int firstOutput,
      Shape shape,
      FloatBuffer sums,
      float[] bias) {
    for (int i = 0; i < Math.min(shape.rows, rows - firstRow); i++) {
      int to = (firstRow + i) * outputs + firstOutput;
      sums.get(i * shape.outputs, out, to, shape.outputs);
      if (bias != null) {
        for (int o = 0; o < shape.outputs; o++) {
          out[to + o] += bias[firstOutput + o];
        }
      }
    }
  }

  /** The outputs of a weight's panels, about equally many: by the weight alone. */
  private static int panel(int outputs) {
    int even = Sizes.ceilDiv(outputs, Sizes.ceilDiv(outputs, MAX_PANEL));
    return Math.min(outputs, Sizes.roundUp(even, PANEL_STEP));
  }

  /** The rows of a block: as many as can be while each thread gets some parts. */
  private int block(int rows, int panels) {
    int block = MAX_ROWS;
    while (block > 2 * STEP && panels * Sizes.ceilDiv(rows, block) < 3 * team.size()) {
      block /= 2;
    }
    return size(Math.min(rows, block));
  }

  /** The number of rows that are multiplied for these. */
  private static int size(int rows) {
    return Sizes.roundUp(rows, rows <= STEP ? UNIT : STEP);
  }

  /**
   * Whether a product of so many rows has the bits of {@value #UNIT} rows' product, on numbers by
   * chance: a sum in another order shows in one of some thousand.
   */
  private boolean agrees(int rows, int outputs, CpuWeight weight, int output) {
    if (rows == UNIT) {
      return true;
    }
    int columns = weight.columns();
    return agreements.computeIfAbsent(
        new Shape(rows, outputs, columns),
        shape -> {
          Random random = new Random(columns);
          float[] some = new float[rows * columns];
          for (int i = 0; i < UNIT * columns; i++) {
            some[i] = (float) random.nextGaussian();
          }
          for (int i = UNIT * columns; i < some.length; i++) {
            some[i] = some[i - UNIT * columns];
          }
          rounded = rounded.atLeast((long) some.length * Short.BYTES);
          Worker worker = workers[0];
          for (int i = 0; i < rows; i += UNIT) {
            worker.round(some, i, rows, columns);
          }
          long at = address(weight.data()) + (long) output * weight.stride();
          float[] few = new float[UNIT * outputs];
          worker.product(new Shape(UNIT, outputs, columns), rounded, 0, at).get(0, few);
          float[] many = new float[rows * outputs];
          worker.product(shape, rounded, 0, at).get(0, many);
          for (int i = 0; i < many.length; i++) {
            if (Float.floatToIntBits(many[i]) != Float.floatToIntBits(few[i % few.length])) {
              return false;
            }
          }
          return true;
        });
  }

  @Override
  public void close() {
    for (Worker worker : workers) {
      worker.close();
    }
  }

  private static long address(ByteBuffer buffer) {
    return Pointer.nativeValue(Native.getDirectBufferPointer(buffer));
  }

  /** What one thread at a time uses. */
  private final class Worker {
    private final Map<Integer, OneDnn.Primitive> roundings = new HashMap<>();
    private final Map<Shape, OneDnn.Primitive> products = new HashMap<>();
    private Block floats = new Block(0);
    private Block sums = new Block(0);
    private Block scratch = new Block(0);

    /** Rounds {@value #UNIT} rows from {@code first} on, as far as there are any. */
    void round(float[] in, int first, int rows, int columns) {
      int count = UNIT * columns;
      floats = floats.atLeast((long) count * Float.BYTES);
      floats.floats.put(0, in, first * columns, Math.min(UNIT, rows - first) * columns);
      roundings
          .computeIfAbsent(columns, c -> library.rounding(UNIT * c))
          .run(floats.address, rounded.address + (long) first * columns * Short.BYTES);
    }

    /** The sums {@code [rows, outputs]}, until the next call. */
    FloatBuffer product(Shape shape, Block in, int firstRow, long weights) {
      OneDnn.Primitive product =
          products.computeIfAbsent(shape, s -> library.product(s.rows, s.outputs, s.columns));
      sums = sums.atLeast((long) shape.rows * shape.outputs * Float.BYTES);
      scratch = scratch.atLeast(product.scratchBytes());
      product.run(
          in.address + (long) firstRow * shape.columns * Short.BYTES,
          weights,
          sums.address,
          scratch.address);
      return sums.floats;
    }

    void close() {
      List<OneDnn.Primitive> primitives = new ArrayList<>(roundings.values());
      primitives.addAll(products.values());
      primitives.forEach(OneDnn.Primitive::close);
      roundings.clear();
      products.clear();
    }
  }

  /** Memory outside of the heap, on a cache line. */
  private static final class Block {
    private final FloatBuffer floats;
    private final long address;

    Block(long bytes) {
      int capacity = Math.toIntExact(bytes + ALIGNMENT);
      ByteBuffer memory =
          ByteBuffer.allocateDirect(capacity + ALIGNMENT)
              .alignedSlice(ALIGNMENT)
              .order(ByteOrder.nativeOrder());
      address = OneDnnLinear.address(memory);
      floats = memory.asFloatBuffer();
    }

    /** This one, or a larger one: what is in it is lost then. */
    Block atLeast(long bytes) {
      return (long) floats.capacity() * Float.BYTES >= bytes ? this : new Block(bytes + bytes / 4);
    }
  }
}
