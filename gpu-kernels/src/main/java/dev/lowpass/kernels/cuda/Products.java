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
   * @param int8SharedBytes of a weight as bytes
   */
  private record Tile(int rows, int outputs, int threads, int sharedBytes, int int8SharedBytes) {
    int blocks(int batch, int features) {
      return Math.multiplyExact(Layout.ceilDiv(features, outputs), Layout.ceilDiv(batch, rows));
    }
  }

  private static final Tile[] TILES = {
    new Tile(8, 32, 64, 51_200, 30_720),
    new Tile(16, 32, 64, 61_440, 40_960),
    new Tile(32, 32, 128, 81_920, 61_440),
    new Tile(64, 64, 128, 65_536, 49_152),
    new Tile(128, 128, 128, 65_536, 49_152),
    new Tile(256, 128, 256, 98_304, 81_920),
  };

  /** The last tile that there is for float32. */
  private static final int LAST_OF_F32 = 3;

  /** Blocks that a large GPU has room for at once, about; fewer leave a part of it idle. */
  private static final int BLOCKS = 128;

  private final Gpu gpu;

  Products(Gpu gpu) {
    this.gpu = gpu;
  }

  /** {@link dev.lowpass.kernels.Device#linear}; {@code in} is an operand, the bias may be 0. */
  void run(
      DType type, long out, long in, int rows, CudaWeight weight, long bias, Object... operands) {
    long scales = weight.scales() == null ? 0 : weight.scales().address();
    run(
        type,
        out,
        in,
        rows,
        weight.matrix().address(),
        scales,
        bias,
        weight.rows(),
        weight.columns(),
        operands);
  }

  /**
   * {@code out[row, o] = sum over c of in[row, c] * weight[o, c]}.
   *
   * @param type what {@code in} and {@code weight} are stored as
   * @param out float32 {@code [rows, outputs]}
   * @param in operand {@code [rows, columns]}
   * @param weight matrix {@code [outputs, columns]}
   */
  void run(
      DType type,
      long out,
      long in,
      int rows,
      long weight,
      int outputs,
      int columns,
      Object... operands) {
    run(type, out, in, rows, weight, 0, 0, outputs, columns, operands);
  }

  private void run(
      DType type,
      long out,
      long in,
      int rows,
      long weight,
      long scales,
      long bias,
      int outputs,
      int columns,
      Object[] operands) {
    Tile tile = tile(type, rows, outputs);
    // Room for three weights that share their input; two are not there.
    gpu.arguments()
        .pointer(in)
        .pointer(weight)
        .pointer(0)
        .pointer(0)
        .pointer(scales)
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
        "linear_" + Gpu.suffix(type) + (scales == 0 ? "_" : "_int8_") + tile.rows,
        Driver.Grid.of(tile.blocks(rows, outputs)),
        tile.threads,
        scales == 0 ? tile.sharedBytes : tile.int8SharedBytes,
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
