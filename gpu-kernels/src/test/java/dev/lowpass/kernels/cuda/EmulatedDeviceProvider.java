package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.DeviceProvider;

/** The CUDA device on the emulator, as {@code emulated}: for tests of what uses devices. */
public final class EmulatedDeviceProvider implements DeviceProvider {
  @Override
  public String name() {
    return "emulated";
  }

  @Override
  public Device open(int threads) {
    return new CudaDevice(new EmulatedDriver(), null);
  }
}
