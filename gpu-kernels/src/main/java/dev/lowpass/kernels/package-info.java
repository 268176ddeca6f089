/**
 * Tensor operations on one device. {@link dev.lowpass.kernels.Device} is the seam between the
 * decoder, which is written once, and the hardware that carries it out.
 */
package dev.lowpass.kernels;
