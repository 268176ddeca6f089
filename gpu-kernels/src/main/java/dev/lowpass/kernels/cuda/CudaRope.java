package dev.lowpass.kernels.cuda;

import dev.lowpass.kernels.Rope;

/** A rotary embedding's frequencies as float64; kernels make its angles where they need them. */
final class CudaRope implements Rope {
  private final int headDim;
  private final float attentionFactor;
  private final Memory inverseFrequencies;

  CudaRope(int headDim, double attentionFactor, Memory inverseFrequencies) {
    this.headDim = headDim;
    this.attentionFactor = (float) attentionFactor;
    this.inverseFrequencies = inverseFrequencies;
  }

  @Override
  public int headDim() {
    return headDim;
  }

  float attentionFactor() {
    return attentionFactor;
  }

  /** {@code [headDim / 2]}, radians a position. */
  long inverseFrequencies() {
    return inverseFrequencies.address();
  }
}
