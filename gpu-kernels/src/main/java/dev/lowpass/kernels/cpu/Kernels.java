package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.DType;
import java.nio.ByteBuffer;

/**
 * The inner loops. An implementation works on vectors of {@link #lanes()} floats; everything around
 * it (blocks, threads, tails) is written once, in terms of that number.
 *
 * <p>Every method does the same operations in the same order on an element, wherever in a block it
 * lies: that is what makes a row's result independent of its batch. Two implementations may differ
 * in the last bits.
 */
interface Kernels {
  /** Rows of a {@link #tile}. */
  int TILE_ROWS = 4;

  /** Outputs of a {@link #tile}: 4 x 3 sums, 3 weights and an input fill 16 vector registers. */
  int TILE_OUTPUTS = 3;

  /** Outputs of {@link #dots}. */
  int DOTS = 4;

  /** Cache entries that attention takes at a time. */
  int BLOCK = 64;

  /** Queries that attention takes at a time. */
  int QUERIES = 4;

  /** What computes, for {@link CpuDevice#description()}. */
  String description();

  /** Floats a vector: a power of two, at most 16. */
  int lanes();

  /**
   * Converts a stretch of a weight to floats, a vector every {@code stride} floats.
   *
   * @param data the weight, little endian
   * @param position where the stretch begins, in bytes
   * @param steps its length in vectors
   */
  void pack(
      DType type, ByteBuffer data, int position, int steps, float[] out, int offset, int stride);

  /** Copies {@code steps} vectors, to one every {@code stride} floats. */
  void pack(float[] in, int position, int steps, float[] out, int offset, int stride);

  /**
   * Adds the products of 4 rows with 3 outputs, lane by lane, to 12 vectors of sums.
   *
   * @param rows {@code [steps, TILE_ROWS, lanes]} from {@code row} on
   * @param panel {@code [steps, TILE_OUTPUTS, lanes]} from {@code output} on
   * @param sums {@code [TILE_ROWS, TILE_OUTPUTS, lanes]} from {@code sum} on
   */
  void tile(float[] rows, int row, float[] panel, int output, int steps, float[] sums, int sum);

  /**
   * Sums the products of one row with 4 outputs, lane by lane, in {@link #tile}'s order.
   *
   * @param position the first output's first byte
   * @param stride bytes an output
   * @param steps vectors an output
   * @param sums {@code [DOTS, lanes]}, overwritten
   */
  void dots(
      DType type,
      ByteBuffer data,
      int position,
      int stride,
      float[] row,
      int offset,
      int steps,
      float[] sums);

  /**
   * Adds up the lanes of {@code count} consecutive vectors, always in the same order.
   *
   * @param out the sums, from {@code to} on
   */
  void reduce(float[] sums, int offset, int count, float[] out, int to);

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

  /**
   * Replaces the {@link #BLOCK} scores by {@code exp(score - max)} and returns their sum. Minus
   * infinity becomes 0.
   */
  float exp(float[] scores, int offset, float max);

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
