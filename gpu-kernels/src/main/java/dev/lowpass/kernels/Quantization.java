package dev.lowpass.kernels;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * How a matrix is stored in fewer bits: blocks of consecutive elements of a row are small integers
 * times a scale, which is a half. An element is exactly {@code scale * integer} in float32.
 *
 * <p>Blocks of {@value #ROWS} rows lie together, in units of {@value #UNIT_BYTES} bytes, so that
 * the lanes of a vector are rows and nothing is ever added up across lanes. A unit is 17 times 16
 * little-endian words; word l belongs to row l in its lower half and to row 16 + l in its upper
 * one. First come the scales, then the integers, plus what makes them unsigned: that is what a
 * vector of 16 words or fewer takes apart by masks and shifts of words. A matrix {@code [rows,
 * columns]} is an array of units {@code [rows / 32, columns / blockColumns]}, both rounded up; what
 * is there too much is zero.
 */
public enum Quantization {
  /**
   * Blocks of 32 signed bytes, 8.5 bits an element: the numbers of GGUF's {@code Q8_0}. The scale
   * is the largest magnitude / 127, rounded to a half; an element becomes the nearest of the
   * unrounded scale's multiples, the one further from 0 where two are.
   *
   * <p>Byte b of a half of word l of the i-th 16 words has column {@code 16 b + i}, plus 128.
   */
  INT8(32),

  /**
   * Blocks of 64 signed integers of four bits, 4.25 bits an element: the numbers of GGUF's {@code
   * Q4_0}, whose blocks are half as long. The scale is minus an eighth of the element that is
   * furthest from 0, rounded to a half, so that this one becomes -8; the others become the nearest
   * multiple of the unrounded scale, 7 times it at the most.
   *
   * <p>Bits 4 b to 4 b + 3 of a half of word l of the i-th 16 words have column {@code 16 b + i},
   * plus 8.
   */
  INT4(64);

  /** Rows whose blocks lie together. */
  public static final int ROWS = 32;

  /** Bytes of the scales of a unit. */
  public static final int SCALES_BYTES = 2 * ROWS;

  /** Bytes of the blocks of so many rows. */
  public static final int UNIT_BYTES = SCALES_BYTES + 1024;

  /** The largest half. */
  private static final float LARGEST_SCALE = 65504;

  private static final int WORDS = 16;

  private final int blockColumns;

  Quantization(int blockColumns) {
    this.blockColumns = blockColumns;
  }

  /** Elements of a row that share a scale. */
  public int blockColumns() {
    return blockColumns;
  }

  /** Blocks of a row. */
  public int blocks(int columns) {
    return (int) ((columns + blockColumns - 1L) / blockColumns);
  }

  /** Bytes of {@link #ROWS} rows. */
  public int groupBytes(int columns) {
    return Math.multiplyExact(blocks(columns), UNIT_BYTES);
  }

  /** Bytes of a matrix. */
  public long bytes(int rows, int columns) {
    return groups(rows) * blocks(columns) * UNIT_BYTES;
  }

  private static long groups(int rows) {
    return (rows + ROWS - 1L) / ROWS;
  }

  /** What is added to the integers. */
  private int offset() {
    return this == INT8 ? 128 : 8;
  }

  /** The byte of a unit that a row's scale begins with. */
  private static int scaleAt(int row) {
    return row % WORDS * Integer.BYTES + row / WORDS * Short.BYTES;
  }

  /** The byte of a unit that has an element, of which INT4's has two. */
  private int integerAt(int row, int column) {
    int half = SCALES_BYTES + column % WORDS * WORDS * Integer.BYTES + scaleAt(row);
    return half + column / WORDS * Short.BYTES * WORDS / blockColumns;
  }

  /** Where in its byte an element begins. */
  private int shift(int column) {
    return this == INT8 ? 0 : column / WORDS % 2 * 4;
  }

  /**
   * Quantises a matrix, on all processors.
   *
   * @param name what to call it in errors
   * @param type how it is stored
   * @param data {@code [rows, columns]}, little endian, from position to limit
   * @param out takes {@link #bytes}, from its position on, which stays
   * @throws IllegalArgumentException if an element is not finite, or too large for a half's scale
   */
  public void quantize(
      String name, DType type, int rows, int columns, ByteBuffer data, ByteBuffer out) {
    ByteBuffer in = data.slice().order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer to = out.slice().order(ByteOrder.LITTLE_ENDIAN);
    // An exception that leaves a parallel stream may come wrapped: the row leaves it instead.
    int wrong =
        IntStream.range(0, (int) groups(rows))
            .parallel()
            .map(group -> quantizeGroup(type, rows, columns, in, to, group))
            .min()
            .orElse(rows);
    if (wrong < rows) {
      throw new IllegalArgumentException(
          String.format(
              "%s: row %d has an element that is not finite, or too large to be quantised; use its weights as they are stored",
              name, wrong));
    }
  }

  /** Returns the first of a group's rows that cannot be quantised; {@code rows} if they all can. */
  private int quantizeGroup(
      DType type, int rows, int columns, ByteBuffer in, ByteBuffer out, int group) {
    float[] elements = new float[blocks(columns) * blockColumns];
    int begin = group * groupBytes(columns);
    for (int i = 0; i < groupBytes(columns); i++) {
      out.put(begin + i, (byte) 0);
    }
    for (int row = group * ROWS; row < (group + 1) * ROWS; row++) {
      if (row < rows) {
        Floats.get(type, in, row * columns * type.bytes(), elements, 0, columns);
      } else {
        Arrays.fill(elements, 0);
      }
      for (int block = 0; block < blocks(columns); block++) {
        if (!quantizeBlock(
            elements, block * blockColumns, out, begin + block * UNIT_BYTES, row % ROWS)) {
          return row;
        }
      }
    }
    return rows;
  }

  /** Returns whether that was possible. */
  private boolean quantizeBlock(float[] row, int begin, ByteBuffer out, int unit, int which) {
    float extreme = 0;
    boolean finite = true;
    for (int i = begin; i < begin + blockColumns; i++) {
      finite &= Float.isFinite(row[i]);
      if (Math.abs(row[i]) > Math.abs(extreme)) {
        extreme = row[i];
      }
    }
    float scale = this == INT8 ? Math.abs(extreme) / 127 : extreme / -8;
    short half = Floats.toF16(scale);
    out.putShort(unit + scaleAt(which), half);
    float inverse = Floats.fromF16(half) == 0 ? 0 : 1 / scale;
    for (int c = 0; c < blockColumns; c++) {
      float multiple = row[begin + c] * inverse;
      int integer =
          this == INT8
              ? (int) (multiple + Math.copySign(0.5, multiple))
              : Math.min(15, (int) (multiple + 8.5f)) - 8;
      int at = unit + integerAt(which, c);
      out.put(at, (byte) (out.get(at) | integer + offset() << shift(c)));
    }
    return finite && Math.abs(scale) <= LARGEST_SCALE;
  }

  /**
   * Reads elements of a row.
   *
   * @param blocks a matrix, little endian, from 0 on
   * @param columns the matrix's
   * @param begin the first of the elements
   */
  public void get(
      ByteBuffer blocks, int columns, int row, int begin, float[] out, int offset, int count) {
    int group = row / ROWS * groupBytes(columns);
    for (int i = 0; i < count; i++) {
      int c = (begin + i) % blockColumns;
      int unit = group + (begin + i) / blockColumns * UNIT_BYTES;
      out[offset + i] = scale(blocks, unit, row % ROWS) * integer(blocks, unit, row % ROWS, c);
    }
  }

  /** The scale of one of a unit's rows; the unit begins at byte {@code unit}. */
  public float scale(ByteBuffer blocks, int unit, int row) {
    return Floats.fromF16(blocks.getShort(unit + scaleAt(row)));
  }

  /** An element of a unit as a multiple of its row's scale. */
  public int integer(ByteBuffer blocks, int unit, int row, int column) {
    int mask = 2 * offset() - 1;
    return (blocks.get(unit + integerAt(row, column)) >> shift(column) & mask) - offset();
  }

  /**
   * A matrix in blocks as a dense one, on all processors.
   *
   * @param type what elements are rounded to
   * @param blocks what {@link #quantize} wrote, from position to limit
   * @return {@code [rows, columns]}, little endian
   */
  public ByteBuffer dense(DType type, int rows, int columns, ByteBuffer blocks) {
    ByteBuffer from = blocks.slice().order(ByteOrder.LITTLE_ENDIAN);
    int stride = Math.multiplyExact(columns, type.bytes());
    ByteBuffer to =
        ByteBuffer.allocateDirect(Math.multiplyExact(rows, stride)).order(ByteOrder.LITTLE_ENDIAN);
    IntStream.range(0, rows)
        .parallel()
        .forEach(
            row -> {
              float[] elements = new float[columns];
              get(from, columns, row, 0, elements, 0, columns);
              for (int i = 0; i < columns; i++) {
                int at = row * stride + i * type.bytes();
                switch (type) {
                  case F32 -> to.putFloat(at, elements[i]);
                  case F16 -> to.putShort(at, Floats.toF16(elements[i]));
                  case BF16 -> to.putShort(at, Floats.toBf16(elements[i]));
                }
              }
            });
    return to;
  }
}
