package dev.lowpass.kernels.cuda;

import java.nio.ByteBuffer;

/**
 * What the device asks of CUDA: memory by address, copies, and launches of kernels by name. All of
 * it happens in the order of the calls; only copies to the host wait for what came before.
 */
interface Driver extends AutoCloseable {
  /** What it drives, for logs and messages: {@code NVIDIA H100, sm_90, 80 GiB}. */
  String description();

  /** Takes memory, aligned for any vector. Its address, or 0 if there is not as much. */
  long allocate(long bytes);

  void free(long address);

  long freeBytes();

  long totalBytes();

  /** Copies a buffer's remaining bytes. The buffer may be changed when this returns. */
  void copyToDevice(long to, ByteBuffer from);

  /** Fills a direct buffer from its position to its limit. */
  void copyToHost(ByteBuffer to, long from);

  /** Copies within the device; the ranges are apart. */
  void copy(long to, long from, long bytes);

  /** Sets bytes to zero. */
  void clear(long address, long bytes);

  /**
   * Starts a kernel.
   *
   * @param arguments the bytes of its one parameter, a struct, from position 0 to the limit; a
   *     direct buffer, which may be changed when this returns
   */
  void launch(String kernel, Grid grid, int threads, int sharedBytes, ByteBuffer arguments);

  /**
   * Puts launches together.
   *
   * @param launches makes them by {@link #launch}, and does nothing else; they are not carried out
   */
  Graph graph(Runnable launches);

  /** Launches in their order, which are started by one call. */
  interface Graph extends AutoCloseable {
    void launch();

    @Override
    void close();
  }

  /** The blocks of a launch; their threads are one-dimensional. */
  record Grid(int x, int y, int z) {
    static Grid of(int x) {
      return new Grid(x, 1, 1);
    }

    static Grid of(int x, int y) {
      return new Grid(x, y, 1);
    }

    static Grid of(int x, int y, int z) {
      return new Grid(x, y, z);
    }
  }

  @Override
  void close();
}
