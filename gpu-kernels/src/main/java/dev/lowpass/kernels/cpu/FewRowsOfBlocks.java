package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.Quantization;
import java.util.Arrays;

/** What {@link FewRows} computes with weights in blocks: products of short integers. */
final class FewRowsOfBlocks {
  /** Groups of outputs that a thread goes through at a time: each is a stream to prefetch. */
  private static final int STREAMS = 4;

  private static final int OUTPUTS = Quantization.ROWS;

  private final Kernels kernels;
  private final RoundedRows rounded;

  /** The rows' blocks, as {@link Kernels#operand} lays them out. */
  private int[] operands = new int[0];

  private float[] scales = new float[0];
  private int rows;

  /** Each worker's integer sums of a unit, and its sums of a row, of {@link #STREAMS} groups. */
  private final int[][] sums;

  private final float[][] totals;

  FewRowsOfBlocks(Kernels kernels, int workers) {
    this.kernels = kernels;
    rounded = new RoundedRows(kernels);
    sums = new int[workers][OUTPUTS];
    totals = new float[workers][FewRows.MOST * STREAMS * OUTPUTS];
  }

  /** Takes rows that {@link #run} is then called for. */
  void round(float[] in, int rows, CpuWeight weight) {
    this.rows = rows;
    int blocks = weight.quantization().blocks(weight.columns());
    int size = size(weight);
    if (operands.length < rows * blocks * size) {
      operands = new int[rows * blocks * size];
    }
    if (scales.length < rows * blocks) {
      scales = new float[rows * blocks];
    }
    for (int row = 0; row < rows; row++) {
      for (int block = 0; block < blocks; block++) {
        int i = row * blocks + block;
        scales[i] = rounded.round(in, row, weight, block);
        kernels.operand(weight.quantization(), rounded.multiples, operands, i * size);
      }
    }
  }

  /** Integers of an operand. */
  private static int size(CpuWeight weight) {
    return weight.quantization().blockColumns() + Kernels.OPERAND_EXTRA;
  }

  /** Computes the outputs of some groups. */
  void run(float[] out, CpuWeight weight, float[] bias, int begin, int end, int worker) {
    // They lie far apart, so that each stream is long.
    int step = (end - begin) / STREAMS;
    for (int group = begin; group < begin + step; group++) {
      run(out, weight, bias, group, step, STREAMS, worker);
    }
    int rest = begin + step * STREAMS;
    if (rest < end) {
      run(out, weight, bias, rest, 1, end - rest, worker);
    }
  }

  private void run(
      float[] out, CpuWeight weight, float[] bias, int group, int step, int count, int worker) {
    Quantization quantization = weight.quantization();
    int blocks = quantization.blocks(weight.columns());
    int size = size(weight);
    float[] to = totals[worker];
    Arrays.fill(to, 0, count * rows * OUTPUTS, 0);
    for (int block = 0; block < blocks; block++) {
      for (int i = 0; i < count; i++) {
        int unit = (group + i * step) * weight.stride() + block * Quantization.UNIT_BYTES;
        for (int row = 0; row < rows; row++) {
          int operand = row * blocks + block;
          kernels.addUnit(
              quantization,
              weight.data(),
              unit,
              operands,
              operand * size,
              scales[operand],
              sums[worker],
              to,
              (i * rows + row) * OUTPUTS);
        }
      }
    }
    for (int i = 0; i < count; i++) {
      for (int row = 0; row < rows; row++) {
        RoundedRows.store(to, (i * rows + row) * OUTPUTS, out, row, weight, group + i * step, bias);
      }
    }
  }
}
