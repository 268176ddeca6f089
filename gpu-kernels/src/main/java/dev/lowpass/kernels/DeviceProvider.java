package dev.lowpass.kernels;

/**
 * A kind of device beside the built-in ones, which {@link Devices#open} finds as a service of the
 * class path.
 */
public interface DeviceProvider {
  /** What it is asked for by. */
  String name();

  /**
   * Opens a device.
   *
   * @param threads CPU threads that it may use; 0 for all
   */
  Device open(int threads);
}
