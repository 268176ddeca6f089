package dev.lowpass.pipeline.engine;

import dev.lowpass.kernels.cpu.CpuLimits;
import java.util.Optional;

/**
 * What the device of an engine could do at the most, which its speeds are told as shares of.
 *
 * @param readBytes bytes a second that it reads from memory
 * @param flops float32 operations a second in fused multiply-adds, two each
 */
public record DeviceLimits(double readBytes, double flops) {

  /**
   * Measures a CPU's, which takes a second.
   *
   * @return empty where the JVM runs without the Vector API
   */
  public static Optional<DeviceLimits> ofCpu(int threads) {
    return CpuLimits.measure(threads)
        .map(limits -> new DeviceLimits(limits.readBytes(), limits.flops()));
  }

  /** The better of two measurements: a limit is what was reached at all. */
  public DeviceLimits orBetter(DeviceLimits other) {
    return new DeviceLimits(Math.max(readBytes, other.readBytes), Math.max(flops, other.flops));
  }
}
