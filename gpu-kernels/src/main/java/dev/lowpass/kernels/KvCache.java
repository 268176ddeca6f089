package dev.lowpass.kernels;

/**
 * The keys and values of one sequence, every layer's, owned by the device that made it. Its memory
 * is taken once, for {@link #capacity()} entries a layer, and never grows.
 */
public interface KvCache extends AutoCloseable {
  /** Entries that each layer has room for. */
  int capacity();

  /** Entries that a layer holds. */
  int length(int layer);

  /**
   * Forgets all but each layer's first {@code length} entries: the way back to the end of a shared
   * prefix.
   *
   * @throws IllegalArgumentException if a layer holds fewer
   */
  void truncate(int length);

  /**
   * Forgets all but a layer's first {@code length} entries: those of a probe that has been read.
   *
   * @throws IllegalArgumentException if it holds fewer
   */
  void truncate(int layer, int length);

  /** Bytes of device memory it occupies, whatever it holds. */
  long bytes();

  @Override
  void close();
}
