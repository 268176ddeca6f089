package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.DType;

/**
 * Activations rounded to the storage type, as matrix products read them. One tensor's at a time:
 * linear layers that share their input come one after another, and find it here.
 */
final class Operands {
  private static final int THREADS = 256;

  private final Gpu gpu;
  private final Scratch scratch;
  private CudaTensor tensor;
  private long version;
  private int rows;

  Operands(Gpu gpu) {
    this.gpu = gpu;
    scratch = new Scratch(gpu.arena(), "the input of a linear layer");
  }

  /** Memory for the operand of a tensor that an operation is about to write along with it. */
  long accompany(CudaTensor out, int rows) {
    long address = scratch.address(bytes(out, rows));
    remember(out, rows);
    return address;
  }

  /** The operand of a tensor's first rows. */
  long of(CudaTensor in, int rows) {
    long address = scratch.address(bytes(in, rows));
    if (in != tensor || in.version() != version || rows > this.rows) {
      gpu.arguments().pointer(address).pointer(in.address()).put(in.columns());
      gpu.launch(gpu.typed("operand"), Driver.Grid.of(rows), THREADS, 0, in, rows);
      remember(in, rows);
    }
    return address;
  }

  private void remember(CudaTensor of, int rows) {
    tensor = of;
    version = of.version();
    this.rows = rows;
  }

  private long bytes(CudaTensor of, int rows) {
    DType type = gpu.storage();
    return (long) rows * Layout.stride(of.columns()) * type.bytes();
  }
}
