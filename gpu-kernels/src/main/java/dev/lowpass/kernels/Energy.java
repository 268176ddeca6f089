package dev.lowpass.kernels;

/**
 * What low-passes kept of a layer's keys (before their rotation) and values: sums of the squares of
 * DCT coefficients, over all kv heads, channels and compressions, those of frequency 0 left out. A
 * low-pass to nothing keeps nothing by definition and counts in none of them.
 *
 * @param keptKeys of the coefficients that were kept
 * @param keys of all
 * @param keptValues of the coefficients that were kept
 * @param values of all
 */
public record Energy(double keptKeys, double keys, double keptValues, double values) {
  /** Nothing was compressed. */
  public static final Energy NONE = new Energy(0, 0, 0, 0);

  /** The sums of both. */
  public Energy plus(Energy other) {
    return new Energy(
        keptKeys + other.keptKeys,
        keys + other.keys,
        keptValues + other.keptValues,
        values + other.values);
  }
}
