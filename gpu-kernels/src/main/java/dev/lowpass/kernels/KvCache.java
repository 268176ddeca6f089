package dev.lowpass.kernels;

/**
 * The keys and values of one sequence, every layer's, owned by the device that made it. Its memory
 * is taken once, for {@link #capacity()} tokens a layer, and never grows.
 */
public interface KvCache extends AutoCloseable {
  /** Tokens that each layer has room for. */
  int capacity();

  /** Tokens that a layer holds. */
  int length(int layer);

  /**
   * Forgets all but each layer's first {@code length} tokens: the way back to the end of a shared
   * prefix.
   *
   * @throws IllegalArgumentException if a layer holds fewer
   */
  void truncate(int length);

  /** Bytes of device memory it occupies. */
  long bytes();

  @Override
  void close();
}
