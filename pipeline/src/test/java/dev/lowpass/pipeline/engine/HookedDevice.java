package dev.lowpass.pipeline.engine;

import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.DeviceProvider;
import dev.lowpass.kernels.Devices;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/** The CPU, with something to run before each of its operations: to fail there, or to wait. */
public final class HookedDevice implements DeviceProvider {
  /** Is given the operation's name. */
  interface Hook {
    void before(String operation);
  }

  private static volatile Hook hook = operation -> {};

  static void hook(Hook next) {
    hook = next;
  }

  @Override
  public String name() {
    return "hooked";
  }

  @Override
  public Device open(int threads) {
    Device cpu = Devices.open("cpu", threads);
    return (Device)
        Proxy.newProxyInstance(
            Device.class.getClassLoader(),
            new Class<?>[] {Device.class},
            (proxy, method, arguments) -> {
              hook.before(method.getName());
              try {
                return method.invoke(cpu, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
