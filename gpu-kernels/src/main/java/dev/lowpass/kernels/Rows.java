package dev.lowpass.kernels;

/**
 * A list of row indices in a device's memory: what {@link Device#best} selects and {@link
 * Device#gatherRows(Tensor, int, Tensor, int, Rows)} takes. The host knows how many there are, not
 * which.
 */
public interface Rows extends AutoCloseable {
  /** The indices it has room for. */
  int capacity();

  /** The indices it holds: those that the last selection asked for. */
  int count();

  @Override
  void close();
}
