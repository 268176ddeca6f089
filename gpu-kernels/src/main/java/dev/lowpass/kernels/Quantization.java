package dev.lowpass.kernels;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.stream.IntStream;

/**
 * How a matrix is stored in fewer bits: blocks of consecutive elements of a row are small integers
 * times a scale, which is a half. An element is exactly {@code scale * integer} in float32.
 *
 * <p>Blocks of two rows lie together, in units of {@value #UNIT_BYTES} bytes: the first row's scale
 * and the second's, then 16 little-endian words. That is what a vector of 16 words or fewer takes
 * apart by shifts alone. A matrix {@code [rows, columns]} is an array of units {@code [rows / 2,
 * columns / blockColumns]}, both rounded up; what is there too much is zero.
 */
public enum Quantization {
  /**
   * Blocks of 32 signed bytes, 8.5 bits an element: the numbers of GGUF's {@code Q8_0}. The scale
   * is the largest magnitude / 127, rounded to a half; an element becomes the nearest of the
   * unrounded scale's multiples, the one further from 0 where two are.
   *
   * <p>Word l of a unit has columns l and 16 + l of the first row in its lower bytes, of the second
   * row in its upper ones.
   */
  INT8(32),

  /**
   * Blocks of 64 signed integers of four bits, 4.25 bits an element: the numbers of GGUF's {@code
   * Q4_0}, whose blocks are half as long. The scale is minus an eighth of the element that is
   * furthest from 0, rounded to a half, so that this one becomes -8; the others become the nearest
   * multiple of the unrounded scale, 7 times it at the most.
   *
   * <p>Byte b of word l of a unit has column {@code 16 b + l}: of the first row in its lower half,
   * of the second row in its upper one.
   */
  INT4(64);

  /** Bytes of a block of two rows. */
  public static final int UNIT_BYTES = 68;

  private static final int SCALE_BYTES = 2;

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

  /** Bytes of two rows. */
  public int pairBytes(int columns) {
    return Math.multiplyExact(units(columns), UNIT_BYTES);
  }

  /** Bytes of a matrix. */
  public long bytes(int rows, int columns) {
    return (rows + 1L) / 2 * units(columns) * UNIT_BYTES;
  }

  private int units(int columns) {
    return (int) ((columns + blockColumns - 1L) / blockColumns);
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
        IntStream.range(0, (rows + 1) / 2)
            .parallel()
            .map(pair -> quantizePair(type, rows, columns, in, to, pair))
            .min()
            .orElse(rows);
    if (wrong < rows) {
      throw new IllegalArgumentException(
          String.format(
              "%s: row %d has an element that is not finite, or too large to be quantised; use its weights as they are stored",
              name, wrong));
    }
  }

  /** Returns the first of the two rows that cannot be quantised; {@code rows} if they can. */
  private int quantizePair(
      DType type, int rows, int columns, ByteBuffer in, ByteBuffer out, int pair) {
    float[] elements = new float[units(columns) * blockColumns];
    for (int i = 0; i < pairBytes(columns); i++) {
      out.put(pair * pairBytes(columns) + i, (byte) 0);
    }
    for (int row = 2 * pair; row < Math.min(rows, 2 * pair + 2); row++) {
      Floats.get(type, in, row * columns * type.bytes(), elements, 0, columns);
      for (int unit = 0; unit < units(columns); unit++) {
        int at = pair * pairBytes(columns) + unit * UNIT_BYTES;
        if (!quantizeBlock(elements, unit * blockColumns, out, at, row % 2)) {
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
    out.putShort(unit + which * SCALE_BYTES, half);
    float inverse = Floats.fromF16(half) == 0 ? 0 : 1 / scale;
    for (int c = 0; c < blockColumns; c++) {
      float multiple = row[begin + c] * inverse;
      int at = unit + 2 * SCALE_BYTES + c % WORDS * Integer.BYTES;
      if (this == INT8) {
        double nearest = multiple + Math.copySign(0.5, multiple);
        out.put(at + 2 * which + c / WORDS, (byte) nearest);
      } else {
        int bits = Math.min(15, (int) (multiple + 8.5f)) - 8 & 15;
        out.put(at + c / WORDS, (byte) (out.get(at + c / WORDS) | bits << 4 * which));
      }
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
    int pair = row / 2 * pairBytes(columns);
    int which = row % 2;
    for (int i = 0; i < count; i++) {
      int c = (begin + i) % blockColumns;
      int unit = pair + (begin + i) / blockColumns * UNIT_BYTES;
      float scale = Floats.fromF16(blocks.getShort(unit + which * SCALE_BYTES));
      int at = unit + 2 * SCALE_BYTES + c % WORDS * Integer.BYTES + c / WORDS;
      int integer =
          this == INT8 ? blocks.get(at + 2 * which) : blocks.get(at) << 28 - 4 * which >> 28;
      out[offset + i] = scale * integer;
    }
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
