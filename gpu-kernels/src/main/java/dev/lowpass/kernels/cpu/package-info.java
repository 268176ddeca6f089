/**
 * The device that computes on the processor: weights stay where they are mapped, activations and
 * caches are float arrays.
 *
 * <p>What is done once, whatever computes: {@link dev.lowpass.kernels.cpu.CpuDevice} (the seam and
 * its checks), {@code Team} (threads), {@code Linear} and {@code Attention} (blocking and order of
 * summation), {@code CpuKvCache} (layout). What is done twice is behind {@code Kernels}: the inner
 * loops, in plain Java and with the Vector API.
 */
package dev.lowpass.kernels.cpu;
