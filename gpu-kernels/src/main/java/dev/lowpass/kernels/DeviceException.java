package dev.lowpass.kernels;

/**
 * The device or its driver failed at an operation. After most of these (an illegal access, a lost
 * device) the process can use a GPU no longer.
 */
public final class DeviceException extends IllegalStateException {
  public DeviceException(String message) {
    super(message);
  }

  public DeviceException(String message, Throwable cause) {
    super(message, cause);
  }
}
