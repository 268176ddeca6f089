package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.Quantization;
import java.util.Arrays;

/** What {@link FewRows} computes with weights in blocks: products of short integers. */
final class FewRowsOfBlocks {
  private static final int OUTPUTS = Quantization.ROWS;

  /** A row's sums, or totals, of the groups that go together. */
  private static final int SUMS = Kernels.GROUPS * OUTPUTS;

  /** A worker's: the sums of one row's block, and the totals of all rows. */
  private static final int SCRATCH = SUMS + FewRows.MOST * SUMS + AlignedFloats.APART;

  private final Kernels kernels;
  private final int workers;
  private final RoundedRows rounded;
  private final AlignedFloats memory = new AlignedFloats();

  /** The rows' blocks, as {@link Kernels#operand} lays them out. */
  private int[] operands = new int[0];

  private float[] scales = new float[0];
  private int rows;

  /** The workers' scratch memory, from {@link AlignedFloats#BEGIN} on. */
  private float[] floats;

  FewRowsOfBlocks(Kernels kernels, int workers) {
    this.kernels = kernels;
    this.workers = workers;
    rounded = new RoundedRows(kernels);
  }

  /** Takes rows that {@link #run} is then called for. */
  void round(float[] in, int rows, CpuWeight weight) {
    this.rows = rows;
    floats = memory.take(AlignedFloats.BEGIN + (long) workers * SCRATCH);
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

  /** Computes the outputs of the groups {@code [begin, end)} of a weight. */
  void run(float[] out, CpuWeight weight, float[] bias, int begin, int end, int worker) {
    // They lie far apart, so that each stream is long.
    int step = (end - begin) / Kernels.GROUPS;
    for (int group = begin; group < begin + step; group++) {
      run(out, weight, bias, group, step, Kernels.GROUPS, worker);
    }
    for (int group = begin + step * Kernels.GROUPS; group < end; group++) {
      run(out, weight, bias, group, 0, 1, worker);
    }
  }

  /** Computes the outputs of one group, or {@link Kernels#GROUPS}: {@code group + i * step}. */
  private void run(
      float[] out, CpuWeight weight, float[] bias, int group, int step, int count, int worker) {
    int blocks = weight.quantization().blocks(weight.columns());
    int sums = AlignedFloats.BEGIN + worker * SCRATCH;
    int totals = sums + SUMS;
    Arrays.fill(floats, totals, totals + rows * count * OUTPUTS, 0);
    for (int block = 0; block < blocks; block++) {
      int unit = group * weight.stride() + block * Quantization.UNIT_BYTES;
      for (int row = 0; row < rows; row++) {
        int operand = row * blocks + block;
        int at = operand * size(weight);
        int total = totals + row * count * OUTPUTS;
        if (count == 1) {
          kernels.addUnit(weight, unit, operands, at, scales[operand], floats, sums, total);
        } else {
          kernels.addUnitOfEach(
              weight,
              unit,
              step * weight.stride(),
              operands,
              at,
              scales[operand],
              floats,
              sums,
              total);
        }
      }
    }
    for (int i = 0; i < count; i++) {
      for (int row = 0; row < rows; row++) {
        int from = totals + (row * count + i) * OUTPUTS;
        RoundedRows.store(floats, from, out, row, weight, group + i * step, bias);
      }
    }
  }
}
