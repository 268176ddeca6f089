package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.Quantization;
import java.util.Arrays;

/** Products of many rows with a weight in blocks, whose units are converted to floats. */
final class ManyRowsOfBlocks {
  /** Rows that are multiplied with a panel: bounds what they and their sums take of a cache. */
  private static final int ROW_BLOCK = 128;

  /** Columns of a panel of a group of outputs: 32 kB, which stay in the L1 or L2 cache. */
  private static final int PANEL_COLUMNS = 256;

  /** Bytes of the weight that a part has at least: a microsecond's worth. */
  private static final int LEAST_BYTES = 12 << 10;

  private static final int OUTPUTS = Quantization.ROWS;
  private static final int ROWS = Kernels.BLOCK_ROWS;

  /** Floats of a tile's sums. */
  private static final int SUMS = ROWS * OUTPUTS;

  private final Kernels kernels;
  private final Team team;
  private final Shares shares = new Shares();
  private final AlignedFloats memory = new AlignedFloats();
  private final RoundedRows[] rounded;

  ManyRowsOfBlocks(Kernels kernels, Team team) {
    this.kernels = kernels;
    this.team = team;
    rounded = new RoundedRows[team.size()];
    for (int i = 0; i < rounded.length; i++) {
      rounded[i] = new RoundedRows(kernels);
    }
  }

  /** {@code out[i, o] = sum of in[i, c] * weight[o, c] + bias[o]}; the bias may be null. */
  void run(float[] out, float[] in, int rows, CpuWeight weight, float[] bias) {
    for (int row = 0; row < rows; row += ROW_BLOCK) {
      new Batch(out, in, row, Math.min(ROW_BLOCK, rows - row), weight, bias).run();
    }
  }

  /** Rows that go through the weight together, in tiles of {@link Kernels#BLOCK_ROWS}. */
  private final class Batch {
    private final float[] out;
    private final float[] in;
    private final int firstRow;
    private final int rows;
    private final CpuWeight weight;
    private final float[] bias;
    private final int tiles;
    private final int blocks;
    private final int blockColumns;
    private final int unitSize;
    private final int panelBlocks;

    /**
     * The rows' integers {@code [tiles, columns, ROWS]} and scales {@code [tiles, blocks, ROWS]},
     * then each worker's panel, sums of a tile and of all tiles: one array, for alignment.
     */
    private final float[] floats;

    private final int scales;
    private final int scratch;

    Batch(float[] out, float[] in, int firstRow, int rows, CpuWeight weight, float[] bias) {
      this.out = out;
      this.in = in;
      this.firstRow = firstRow;
      this.rows = rows;
      this.weight = weight;
      this.bias = bias;
      Quantization quantization = weight.quantization();
      tiles = Sizes.ceilDiv(rows, ROWS);
      blocks = quantization.blocks(weight.columns());
      blockColumns = quantization.blockColumns();
      unitSize = (blockColumns + 1) * OUTPUTS;
      panelBlocks = PANEL_COLUMNS / blockColumns;
      scales =
          AlignedFloats.BEGIN
              + Sizes.elements("a batch's rows", tiles, blocks, blockColumns * ROWS);
      // Of whole cache lines each.
      scratch = scales + Sizes.roundUp(tiles * blocks * ROWS, AlignedFloats.LINE);
      floats = memory.take(scratch + (long) team.size() * scratchSize());
    }

    private int scratchSize() {
      return panelBlocks * unitSize + SUMS + tiles * SUMS;
    }

    void run() {
      team.run(tiles, (tile, worker) -> pack(tile, rounded[worker]));
      int groups = Sizes.ceilDiv(weight.rows(), OUTPUTS);
      shares.cut(groups, team.size(), Math.max(1, LEAST_BYTES / weight.stride()), groups, 1);
      team.run(
          shares.count(),
          (part, worker) -> {
            for (int group = shares.begin(part); group < shares.end(part); group++) {
              products(group, scratch + worker * scratchSize());
            }
          });
    }

    /** Rounds a tile's rows and lays them out; those that are not there are zeros. */
    private void pack(int tile, RoundedRows rounded) {
      for (int i = 0; i < ROWS; i++) {
        int row = tile * ROWS + i;
        for (int block = 0; block < blocks; block++) {
          int b = tile * blocks + block;
          int to = AlignedFloats.BEGIN + b * blockColumns * ROWS + i;
          float scale = row < rows ? rounded.round(in, firstRow + row, weight, block) : 0;
          for (int c = 0; c < blockColumns; c++) {
            floats[to + c * ROWS] = row < rows ? rounded.multiples[c] : 0;
          }
          floats[scales + b * ROWS + i] = scale;
        }
      }
    }

    /** Computes and stores a group's outputs. */
    private void products(int group, int panel) {
      int sums = panel + panelBlocks * unitSize;
      int totals = sums + SUMS;
      Arrays.fill(floats, totals, totals + tiles * SUMS, 0);
      for (int block = 0; block < blocks; block += panelBlocks) {
        int units = Math.min(panelBlocks, blocks - block);
        int position = group * weight.stride() + block * Quantization.UNIT_BYTES;
        for (int i = 0; i < units; i++) {
          kernels.unitToFloats(
              weight, position + i * Quantization.UNIT_BYTES, floats, panel + i * unitSize);
        }
        for (int tile = 0; tile < tiles; tile++) {
          int first = tile * blocks + block;
          kernels.addUnits(
              floats,
              AlignedFloats.BEGIN + first * blockColumns * ROWS,
              scales + first * ROWS,
              panel,
              blockColumns,
              units,
              sums,
              totals + tile * SUMS);
        }
      }
      for (int row = 0; row < rows; row++) {
        RoundedRows.store(floats, totals + row * OUTPUTS, out, firstRow + row, weight, group, bias);
      }
    }
  }
}
