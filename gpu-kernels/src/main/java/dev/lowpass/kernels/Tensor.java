package dev.lowpass.kernels;

/**
 * Activations {@code [rows, columns]}, row-major, owned by the device that made them. Float32 on
 * the CPU. An operation that takes a row count works on the first rows only, so one tensor serves
 * batches of any size up to its own.
 */
public interface Tensor extends AutoCloseable {
  /** The rows it has room for. */
  int rows();

  /** Elements a row. */
  int columns();

  @Override
  void close();
}
