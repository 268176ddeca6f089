package dev.lowpass.kernels;

/**
 * One of several linear layers with the same input.
 *
 * @param out {@code [rows, outputs]}, overwritten
 * @param weight {@code [outputs, inputs]}
 * @param bias {@code [1, outputs]}, or null for none
 */
public record Projection(Tensor out, Weight weight, Weight bias) {}
