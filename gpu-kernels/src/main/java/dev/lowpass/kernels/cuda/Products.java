package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.DType;

/** Matrix products: {@code linear.cu}. */
final class Products {
  /**
   * How a product is cut into blocks. All give the same bits; they differ in the batches that they
   * are fast for.
   *
   * @param rows rows of a block, and the kernel's suffix
   * @param outputs outputs of a block
   */
  private record Tile(int rows, int outputs, int threads, int sharedBytes) {
    int blocks(int batch, int features) {
      return Math.multiplyExact(Layout.ceilDiv(features, outputs), Layout.ceilDiv(batch, rows));
    }
  }

  private static final Tile[] TILES = {
    new Tile(8, 32, 64, 51_200),
    new Tile(16, 32, 64, 61_440),
    new Tile(32, 32, 128, 81_920),
    new Tile(64, 64, 128, 65_536),
    new Tile(128, 128, 128, 65_536),
    new Tile(256, 128, 256, 98_304),
  };

  /** The last tile that there is for float32. */
  private static final int LAST_OF_F32 = 3;

  /** Blocks that a large GPU has room for at once, about; fewer leave a part of it idle. */
  private static final int BLOCKS = 128;

  private final Gpu gpu;

  Products(Gpu gpu) {
    this.gpu = gpu;
  }

  /**
   * {@code out[row, o] = sum over c of in[row, c] * weight[o, c] + bias[o]}.
   *
   * @param type what {@code in} and {@code weight} are stored as
   * @param out float32 {@code [rows, outputs]}
   * @param in operand {@code [rows, columns]}
   * @param weight matrix {@code [outputs, columns]}
   * @param bias float32 {@code [outputs]}, or 0
   */
  void run(
      DType type,
      long out,
      long in,
      int rows,
      long weight,
      long bias,
      int outputs,
      int columns,
      Object... operands) {
    Tile tile = tile(type, rows, outputs);
    // Room for three weights that share their input; two are not there.
    gpu.arguments()
        .pointer(in)
        .pointer(weight)
        .pointer(0)
        .pointer(0)
        .pointer(0)
        .pointer(0)
        .pointer(0)
        .pointer(bias)
        .pointer(0)
        .pointer(0)
        .pointer(out)
        .pointer(0)
        .pointer(0)
        .put(outputs)
        .put(0)
        .put(0)
        .put(rows)
        .put(columns)
        .put(0);
    gpu.launch(
        "linear_" + Gpu.suffix(type) + "_" + tile.rows,
        Driver.Grid.of(tile.blocks(rows, outputs)),
        tile.threads,
        tile.sharedBytes,
        operands);
  }

  /** The largest tile whose blocks are filled and occupy the GPU. */
  private static Tile tile(DType type, int rows, int outputs) {
    int last = type == DType.F32 ? LAST_OF_F32 : TILES.length - 1;
    int i = 0;
    while (i < last
        && rows > TILES[i].rows
        && (TILES[i].rows < 64 || TILES[i + 1].blocks(rows, outputs) >= BLOCKS)) {
      i++;
    }
    return TILES[i];
  }
}
