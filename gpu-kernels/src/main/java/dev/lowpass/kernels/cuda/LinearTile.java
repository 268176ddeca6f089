package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.DType;

/**
 * How {@code linear.cu} cuts a product into blocks. Its kernels give the same bits; they differ in
 * the batches that they are fast for.
 *
 * @param rows rows of a block, and the kernel's suffix
 * @param outputs outputs of a block
 */
record LinearTile(int rows, int outputs, int threads, int sharedBytes) {
  private static final LinearTile[] TILES = {
    new LinearTile(8, 32, 64, 51_200),
    new LinearTile(16, 32, 64, 61_440),
    new LinearTile(32, 32, 128, 81_920),
    new LinearTile(64, 64, 128, 65_536),
    new LinearTile(128, 128, 128, 65_536),
    new LinearTile(256, 128, 256, 98_304),
  };

  /** Blocks that a large GPU has room for at once, about; fewer leave a part of it idle. */
  private static final int BLOCKS = 128;

  /** The tile for a product: the largest whose blocks are filled and occupy the GPU. */
  static LinearTile of(int rows, int outputs, Gpu gpu) {
    int last = gpu.storage() == DType.F32 ? 3 : TILES.length - 1;
    int i = 0;
    while (i < last
        && rows > TILES[i].rows
        && (TILES[i].rows < 64 || TILES[i + 1].blocks(rows, outputs) >= BLOCKS)) {
      i++;
    }
    return TILES[i];
  }

  int blocks(int batch, int features) {
    return Math.multiplyExact(Layout.ceilDiv(features, outputs), Layout.ceilDiv(batch, rows));
  }
}
