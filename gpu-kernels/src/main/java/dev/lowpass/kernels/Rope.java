package dev.lowpass.kernels;

/**
 * A device's rotary position embedding: the angles a position gives to each pair of a head's
 * channels.
 */
public interface Rope {
  /** Channels of a head that are rotated, in pairs {@code (i, i + headDim / 2)}. */
  int headDim();
}
