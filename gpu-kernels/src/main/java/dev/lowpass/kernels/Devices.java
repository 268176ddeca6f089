package dev.lowpass.kernels;

import dev.lowpass.kernels.cpu.CpuDevice;
import dev.lowpass.kernels.cuda.CudaDevice;
import java.util.ServiceLoader;

/** Opens devices by name. */
public final class Devices {
  private static final String GPU = "cuda:";

  private Devices() {}

  /**
   * Opens a device.
   *
   * @param device {@code cpu}; {@code onednn} for the CPU with oneDNN's products, whose jar must be
   *     on the class path; {@code cuda} for the first GPU that the process sees, {@code cuda:1} for
   *     the second; {@code auto} is the CPU in this version
   * @param threads threads that a CPU device computes on, the caller's included; 0 for all that the
   *     process may use
   * @throws IllegalArgumentException if there is no such device, in one line
   */
  public static Device open(String device, int threads) {
    return switch (device) {
      case "auto", "cpu" -> CpuDevice.open(threads);
      case "onednn" -> CpuDevice.openOneDnn(threads);
      case "cuda" -> CudaDevice.open(0);
      default -> device.startsWith(GPU) ? gpu(device) : provided(device).open(threads);
    };
  }

  /** GPUs that the process sees; 0 where there is no driver. */
  public static int gpus() {
    return CudaDevice.count();
  }

  private static Device gpu(String device) {
    int ordinal;
    try {
      ordinal = Integer.parseUnsignedInt(device.substring(GPU.length()));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "unknown device '" + device + "': use cuda:0 for the first GPU, cuda:1 for the second",
          e);
    }
    return CudaDevice.open(ordinal);
  }

  private static DeviceProvider provided(String device) {
    for (DeviceProvider provider : ServiceLoader.load(DeviceProvider.class)) {
      if (provider.name().equals(device)) {
        return provider;
      }
    }
    throw new IllegalArgumentException(
        "unknown device '" + device + "': use auto, cpu, onednn or cuda");
  }
}
