package dev.lowpass.kernels;

import dev.lowpass.kernels.cpu.CpuDevice;

/** Opens devices by name. */
public final class Devices {
  private Devices() {}

  /**
   * Opens a device.
   *
   * @param device {@code cpu}; {@code auto} takes the best there is, which is the CPU in this
   *     version
   * @param threads threads that a CPU device computes on, the caller's included; 0 for all that the
   *     process may use
   * @throws IllegalArgumentException if there is no such device, in one line
   */
  public static Device open(String device, int threads) {
    return switch (device) {
      case "auto", "cpu" -> CpuDevice.open(threads);
      case "cuda" ->
          throw new IllegalArgumentException(
              "the CUDA device is not part of this version: use --device cpu");
      default ->
          throw new IllegalArgumentException(
              "unknown device '" + device + "': use auto, cpu or cuda");
    };
  }
}
