package dev.lowpass.pipeline.decoder;

/**
 * How the energy of one layer's keys or values is spread over frequencies along the tokens: what
 * FreqKV's low-pass of M entries to L would keep of it. Energy is the sum of the squares of DCT
 * coefficients; frequency 0, the mean, is no part of it, because it is kept by any L and would hide
 * what becomes of the rest.
 */
public final class Spectrum {
  /** At k the energy of frequencies 1 to below k; {@code [frequencies + 1]}. */
  private final double[] below;

  /**
   * @param energy of each frequency, 0 first; there are as many as entries were transformed
   */
  public Spectrum(double... energy) {
    below = new double[energy.length + 1];
    for (int k = 1; k < energy.length; k++) {
      below[k + 1] = below[k] + energy[k];
    }
  }

  /** M: frequencies there are, 0 included; as many as entries. */
  public int frequencies() {
    return below.length - 1;
  }

  /**
   * The share of energy that the lowest {@code length} frequencies hold, 0 included: what a
   * low-pass to {@code length} entries keeps, in [0, 1]. Nothing but a mean is kept whole.
   */
  public double share(int length) {
    double all = below[frequencies()];
    return all == 0 ? 1 : below[length] / all;
  }

  /** The fewest entries that keep at least that share of energy. */
  public int entriesFor(double share) {
    int length = 1;
    while (length < frequencies() && share(length) < share) {
      length++;
    }
    return length;
  }
}
