package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.Quantization;
import java.util.Arrays;

/**
 * Rows as products with weights in blocks take them: rounded to bytes, block by block. An element
 * becomes the nearest of the 255 multiples of its block's largest magnitude / 127. A block's
 * product is then a sum of products of small integers, which is exact in whatever numbers and
 * order, times two scales; blocks' products are added one after the other, in float32.
 *
 * <p>So a row's result has the same bits in any batch and on any processor, and few rows may
 * multiply short integers ({@link FewRowsOfBlocks}), which read the weight fastest, where many rows
 * multiply floats ({@link ManyRowsOfBlocks}), which Java's vectors can add as they multiply.
 */
final class RoundedRows {
  private final Kernels kernels;

  /** A block that is not whole, filled up. */
  private final float[] filled = new float[Kernels.MAX_BLOCK_COLUMNS];

  /** A rounded block: which multiples its elements are. */
  final float[] multiples = new float[Kernels.MAX_BLOCK_COLUMNS];

  RoundedRows(Kernels kernels) {
    this.kernels = kernels;
  }

  /**
   * Rounds a block of a row to {@link #multiples}, filled up with zeros.
   *
   * @param in {@code [rows, columns]}, the weight's
   * @return what they are multiples of
   */
  float round(float[] in, int row, CpuWeight weight, int block) {
    int blockColumns = weight.quantization().blockColumns();
    int begin = block * blockColumns;
    int from = row * weight.columns() + begin;
    int count = Math.min(blockColumns, weight.columns() - begin);
    if (count == blockColumns) {
      return kernels.round(in, from, blockColumns, multiples, 0);
    }
    System.arraycopy(in, from, filled, 0, count);
    Arrays.fill(filled, count, blockColumns, 0);
    return kernels.round(filled, 0, blockColumns, multiples, 0);
  }

  /** Stores a row's outputs of a group, which {@code totals} has from {@code from} on. */
  static void store(
      float[] totals, int from, float[] out, int row, CpuWeight weight, int group, float[] bias) {
    int begin = group * Quantization.ROWS;
    int to = row * weight.rows() + begin;
    int count = Math.min(Quantization.ROWS, weight.rows() - begin);
    if (bias == null) {
      System.arraycopy(totals, from, out, to, count);
      return;
    }
    for (int o = 0; o < count; o++) {
      out[to + o] = totals[from + o] + bias[begin + o];
    }
  }
}
