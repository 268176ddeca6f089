package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Quantization;
import java.nio.ByteBuffer;

/** Brings a checkpoint's matrices to the device, and into the form that kernels read. */
final class Weights {
  private static final int THREADS = 256;

  /** Bytes of a checkpoint that are on their way at a time. */
  private static final int PIECE_BYTES = 32 << 20;

  private static final String REMEDY = "use a smaller model, or a GPU with more memory";

  private final Gpu gpu;
  private final Scratch piece;

  Weights(Gpu gpu) {
    this.gpu = gpu;
    piece = new Scratch(gpu.arena(), "loading weights");
  }

  CudaWeight load(String name, DType type, int rows, int columns, ByteBuffer data) {
    check(name, type, rows, columns, data);
    if (rows > 1) {
      gpu.suggestStorage(type);
    }
    // A vector is a gain or a bias as a rule, and a matrix of one row else: it is small enough for
    // both.
    Memory vector = rows == 1 ? convert(name, type, DType.F32, rows, columns, data) : null;
    boolean same = vector != null && gpu.storage() == DType.F32;
    Memory matrix = same ? vector : convert(name, type, gpu.storage(), rows, columns, data);
    return new CudaWeight(name, type, rows, columns, matrix, /* scales= */ null, vector);
  }

  /** {@link dev.lowpass.kernels.Device#quantized}. */
  CudaWeight quantize(String name, DType type, int rows, int columns, ByteBuffer data) {
    check(name, type, rows, columns, data);
    gpu.suggestStorage(type);
    if (gpu.storage() == DType.F32) {
      throw new IllegalArgumentException(
          name + ": bytes are multiplied by BF16 or F16, and this device computes in F32");
    }
    Memory bytes = gpu.arena().take((long) rows * Layout.stride(columns), name, REMEDY);
    Memory scales = gpu.arena().take((long) rows * Float.BYTES, name, REMEDY);
    inPieces(
        type,
        rows,
        columns,
        data,
        (row, count, staged) -> {
          gpu.arguments()
              .pointer(bytes.address() + (long) row * Layout.stride(columns))
              .pointer(scales.address() + (long) row * Float.BYTES)
              .pointer(staged)
              .put(columns);
          String kernel = "quantize_" + Gpu.suffix(type);
          gpu.launch(kernel, Driver.Grid.of(count), THREADS, 0, name, count, columns);
        });
    return new CudaWeight(name, type, rows, columns, bytes, scales, /* vector= */ null);
  }

  /** {@link dev.lowpass.kernels.Device#blocks}. */
  CudaWeight blocks(
      String name, Quantization quantization, int rows, int columns, ByteBuffer data) {
    long bytes = quantization.bytes(rows, columns);
    if (data.remaining() != bytes) {
      throw new IllegalArgumentException(
          String.format(
              "%s: [%d, %d] of %s takes %d bytes, its data has %d",
              name, rows, columns, quantization, bytes, data.remaining()));
    }
    DType storage = gpu.storage();
    return load(name, storage, rows, columns, quantization.dense(storage, rows, columns, data));
  }

  private static void check(String name, DType type, int rows, int columns, ByteBuffer data) {
    if (rows < 1 || columns < 1) {
      throw new IllegalArgumentException(
          name + ": a weight [" + rows + ", " + columns + "] is empty");
    }
    long bytes = (long) rows * columns * type.bytes();
    if (data.remaining() != bytes) {
      throw new IllegalArgumentException(
          String.format(
              "%s: [%d, %d] of %s takes %d bytes, its data has %d",
              name, rows, columns, type, bytes, data.remaining()));
    }
  }

  private Memory convert(
      String name, DType from, DType to, int rows, int columns, ByteBuffer data) {
    int stride = Layout.stride(columns);
    Memory memory = gpu.arena().take((long) rows * stride * to.bytes(), name, REMEDY);
    if (from == to && stride == columns) {
      gpu.driver().copyToDevice(memory.address(), data);
      return memory;
    }
    String kernel = "convert_" + Gpu.suffix(from) + "_" + Gpu.suffix(to);
    inPieces(
        from,
        rows,
        columns,
        data,
        (row, count, staged) -> {
          long out = memory.address() + (long) row * stride * to.bytes();
          gpu.arguments().pointer(out).pointer(staged).put(columns);
          gpu.launch(kernel, Driver.Grid.of(count), THREADS, 0, name, count, columns);
        });
    return memory;
  }

  /** Work on rows of a checkpoint that are on the device as they are stored there. */
  private interface Piece {
    void convert(int firstRow, int rows, long staged);
  }

  private void inPieces(DType type, int rows, int columns, ByteBuffer data, Piece work) {
    int rowBytes = Math.multiplyExact(columns, type.bytes());
    int rowsAPiece = Math.max(1, Math.min(rows, PIECE_BYTES / rowBytes));
    long staged = piece.address((long) rowsAPiece * rowBytes);
    for (int row = 0; row < rows; row += rowsAPiece) {
      int count = Math.min(rowsAPiece, rows - row);
      int begin = data.position() + row * rowBytes;
      gpu.driver()
          .copyToDevice(staged, data.duplicate().limit(begin + count * rowBytes).position(begin));
      work.convert(row, count, staged);
    }
  }
}
