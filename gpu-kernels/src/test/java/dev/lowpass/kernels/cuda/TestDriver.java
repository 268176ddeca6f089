package dev.lowpass.kernels.cuda;

/**
 * What tests of the device drive: the emulator, or with {@code -Dlowpass.test.device=cuda} a GPU,
 * where they then run as they are.
 */
final class TestDriver {
  static final String DEVICE = "lowpass.test.device";

  private TestDriver() {}

  /** Its block's threads run in an order where that can be chosen. */
  static Driver open(EmulatedDriver.Order order) {
    String device = System.getProperty(DEVICE, "emulated");
    if (device.equals("emulated")) {
      return new EmulatedDriver(order);
    }
    // cuda, or cuda:1
    return CudaDriver.open(device.equals("cuda") ? 0 : Integer.parseInt(device.substring(5)));
  }

  /** Changes the order, where it can be chosen. */
  static void setOrder(Driver driver, EmulatedDriver.Order order) {
    if (driver instanceof EmulatedDriver emulated) {
      emulated.setOrder(order);
    }
  }
}
