package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.Quantization;

/**
 * The inner loops. An implementation works on vectors of {@link #lanes()} floats; everything around
 * it (blocks, threads, tails) is written once, in terms of that number.
 *
 * <p>Every method does the same operations in the same order on an element, wherever in a block it
 * lies: that is what makes a row's result independent of its batch. Two implementations may differ
 * in the last bits.
 */
interface Kernels {
  /**
   * Elements of the contraction that a tile takes at most: its rows stay in the L1 cache. A
   * constant distance between rows is what lets C2 check a tile's bounds outside of its loop.
   */
  int DEPTH = 768;

  /** Outputs of {@link #dots}. */
  int DOTS = 4;

  /** Groups of outputs of {@link #addUnitOfEach}: as many streams of memory as {@link #DOTS}. */
  int GROUPS = 4;

  /** Rows of {@link #addUnits}. */
  int BLOCK_ROWS = 8;

  /** Columns of a block of any {@link Quantization}. */
  int MAX_BLOCK_COLUMNS = 64;

  /** Integers of an {@link #operand}, besides one for each column. */
  int OPERAND_EXTRA = 16;

  /** The largest multiple that {@link #round} rounds to. */
  float LARGEST = 127;

  /** Cache entries that attention takes at a time. */
  int BLOCK = 64;

  /** Queries that attention takes at a time. */
  int QUERIES = 4;

  /** What computes, for {@link CpuDevice#description()}. */
  String description();

  /** Whether reading blocks from the heap is faster than from where they are mapped. */
  boolean readsArrays();

  /** Floats a vector: a power of two, at most 16. */
  int lanes();

  /** Rows of a {@link #tile}. */
  int tileRows();

  /** Outputs of a {@link #tile}, a power of two of at most 32. */
  int tileOutputs();

  /**
   * Elements of a weight, not in blocks, that are read together, {@link #lanes()} or a multiple.
   * Within each such group they take an order that is quick to read; {@link #arrange} gives it to a
   * row's elements.
   */
  int group(CpuWeight weight);

  /** Copies {@code count} elements of a row, whole groups, in the order of a weight's. */
  void arrange(CpuWeight weight, float[] in, int from, int count, float[] out, int to);

  /**
   * Converts a stretch of an output's elements to floats, in the order of its groups.
   *
   * @param weight not in blocks
   * @param begin the first of the elements, and of a group
   * @param count how many: whole groups
   */
  void toFloats(CpuWeight weight, int output, int begin, int count, float[] out, int offset);

  /**
   * Adds the products of some rows with some outputs, lane by lane, to a vector of sums each.
   *
   * @param floats holds all operands
   * @param row where the rows {@code [tileRows, DEPTH]} begin
   * @param rows how many of them are asked for; the others' sums may be left out
   * @param output where the outputs' elements {@code [tileOutputs, DEPTH]} begin
   * @param depth elements of a row that are there, a multiple of {@link #lanes()}
   * @param from where the first row's sums so far {@code [tileOutputs, lanes]} begin
   * @param sum where its new ones go: the same place, or another
   * @param stride distance of the next row's sums, of both
   */
  void tile(
      float[] floats, int row, int rows, int output, int depth, int from, int sum, int stride);

  /**
   * Sums the products of one row with {@link #DOTS} outputs, lane by lane, in {@link #tile}'s
   * order.
   *
   * @param weight not in blocks, whose columns are whole groups
   * @param output the first of the outputs
   * @param step from one to the next
   * @param row the row, arranged, from {@code offset} on
   * @param sums {@code [DOTS, lanes]}, overwritten
   */
  void dots(CpuWeight weight, int output, int step, float[] row, int offset, float[] sums);

  /**
   * Rounds a block of a row to the multiples of its largest magnitude / {@link #LARGEST}, to the
   * even one where two are as near.
   *
   * @param count the block's elements, a multiple of 32
   * @param out takes which multiples they are
   * @return what they are multiples of; NaN or infinite where an element is
   */
  float round(float[] in, int from, int count, float[] out, int to);

  /** What {@link #round} multiplies by; of a block next to nothing it makes zeros. */
  static float inverse(float largest) {
    return largest < 0x1p-100f ? 0 : LARGEST / largest;
  }

  /**
   * Lays a rounded block out as {@link #addUnit} takes it.
   *
   * @param multiples the block
   * @param out takes as many integers as it has columns, and {@link #OPERAND_EXTRA}
   */
  void operand(Quantization quantization, float[] multiples, int[] out, int to);

  /**
   * Adds a block's products with the outputs of a unit: {@code totals += sum * (the output's scale
   * * scale)}, where the sum of integers is exact.
   *
   * @param position where in the weight's data the unit begins
   * @param operand the block, from {@code at} on
   * @param scale the block's
   * @param floats has room for {@link Quantization#ROWS} numbers from {@code sums} on, and a total
   *     for each output from {@code total} on
   */
  void addUnit(
      CpuWeight weight,
      int position,
      int[] operand,
      int at,
      float scale,
      float[] floats,
      int sums,
      int total);

  /**
   * The same of {@link #GROUPS} units, {@code step} bytes from one to the next; sums and totals are
   * as many times as long.
   */
  void addUnitOfEach(
      CpuWeight weight,
      int position,
      int step,
      int[] operand,
      int at,
      float scale,
      float[] floats,
      int sums,
      int total);

  /**
   * Converts a unit to floats: integers {@code [blockColumns, outputs]}, then the outputs' scales.
   *
   * @param position where in the weight's data the unit begins
   */
  void unitToFloats(CpuWeight weight, int position, float[] out, int to);

  /**
   * {@link #addUnit}, to the bit, of units that follow each other and {@link #BLOCK_ROWS} rows.
   *
   * @param floats holds everything
   * @param row where the rows' integers {@code [units, columns, BLOCK_ROWS]} begin
   * @param scale where their blocks' scales {@code [units, BLOCK_ROWS]} begin
   * @param panel where the units begin, as {@link #unitToFloats} leaves them
   * @param columns of a block
   * @param sums where there is room for {@code [BLOCK_ROWS, outputs]}
   * @param total where what they are added to, {@code [BLOCK_ROWS, outputs]}, begins
   */
  void addUnits(
      float[] floats, int row, int scale, int panel, int columns, int units, int sums, int total);

  /** Adds up a vector's lanes, always in the same order. */
  float sum(float[] sums, int offset);

  /**
   * Replaces {@code count} vectors, one after the other, by their {@link #sum}s. Up to the next
   * multiple of {@link #lanes()} more vectors must be there, of any content.
   */
  void sums(float[] sums, int offset, int count);

  /**
   * Scores {@link #QUERIES} queries against a block of keys.
   *
   * @param queries {@code [QUERIES, headDim]} from {@code query} on
   * @param keys {@code [headDim, BLOCK]} from {@code key} on
   * @param scores {@code [QUERIES, BLOCK]} from {@code score} on, overwritten
   */
  void scores(
      float[] queries, int query, float[] keys, int key, int headDim, float[] scores, int score);

  /**
   * The largest of {@code count} floats, NaN if one is; {@code count} is a multiple of {@link
   * #lanes()}.
   */
  float max(float[] in, int offset, int count);

  /** The largest of {@link #BLOCK} scores; any number where one is NaN. */
  float highest(float[] scores, int offset);

  /**
   * Replaces the {@link #BLOCK} scores by {@code exp(score - max)} and adds them, lane by lane, to
   * the vector of sums from {@code sum} on. No score is above {@code max}; minus infinity becomes
   * 0.
   */
  void exp(float[] scores, int offset, float max, float[] sums, int sum);

  /**
   * Adds weighted values to one query's sums: {@code out += sum over entries of weight * value}, in
   * the entries' order.
   *
   * @param weights one for each entry, from {@code weight} on
   * @param values {@code [entries, width]} from {@code value} on
   * @param out {@code [width]} from {@code offset} on
   * @param width a multiple of {@link #lanes()}
   */
  void weigh(
      float[] weights,
      int weight,
      float[] values,
      int value,
      int entries,
      int width,
      float[] out,
      int offset);

  /**
   * {@link #weigh} for {@link #QUERIES} queries at once: weights every {@link #BLOCK} floats, sums
   * every {@code width}.
   */
  void weighQueries(
      float[] weights,
      int weight,
      float[] values,
      int value,
      int entries,
      int width,
      float[] out,
      int offset);

  /** Converts halves, a multiple of {@link #lanes()}, to the first floats of {@code out}. */
  void fromF16(short[] in, int from, int count, float[] out);

  /**
   * Converts bytes {@code [rows, BLOCK]}, times the scale of their column: a block of keys.
   *
   * @param scales {@code [BLOCK]} from {@code scale} on
   * @param out {@code [rows, BLOCK]} from {@code to} on
   */
  void fromInt8Columns(
      byte[] in, int from, float[] scales, int scale, int rows, float[] out, int to);

  /**
   * Converts bytes {@code [BLOCK, width]}, times the scale of their row: a block of values.
   *
   * @param scales {@code [BLOCK]} from {@code scale} on
   * @param width a multiple of {@link #lanes()}
   * @param out {@code [BLOCK, width]} from {@code to} on
   */
  void fromInt8Rows(byte[] in, int from, float[] scales, int scale, int width, float[] out, int to);

  /** {@code gate = gate / (1 + exp(-gate)) * up}. */
  void swiglu(float[] gate, float[] up, int offset, int count);

  /** The sum of squares. */
  float sumOfSquares(float[] in, int offset, int count);

  /** {@code out = in * factor * gain}. */
  void scale(float[] out, float[] in, int offset, int count, float factor, float[] gain);

  /**
   * Rotates one head's pairs {@code (i, i + half)}.
   *
   * @param angle where the row's cosines and sines begin
   */
  void rotate(float[] head, int offset, int half, float[] cosines, float[] sines, int angle);
}
