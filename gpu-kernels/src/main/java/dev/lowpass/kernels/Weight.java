package dev.lowpass.kernels;

/**
 * A read-only matrix {@code [rows, columns]} of the checkpoint, row-major: a linear layer's {@code
 * [out, in]}, an embedding table {@code [vocabulary, hidden]}, or a vector {@code [1, n]}. The CPU
 * reads it in place, as stored.
 */
public interface Weight {
  /** Output features of a linear layer. */
  int rows();

  /** Input features of a linear layer. */
  int columns();
}
