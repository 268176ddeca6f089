package dev.lowpass.pipeline.cache;

/**
 * What a layer's entries are: {@code sinks | band | bank | tail}, in this order. The sinks are the
 * first S of the sequence, or as many as there are.
 *
 * @param band entries that compression made, or will take: old and unremarkable tokens
 * @param bank entries that are kept exactly, for their scores
 * @param length all entries; what the others leave over is the tail, which no plan has met yet
 */
public record Layout(int band, int bank, int length) {
  public static final Layout EMPTY = new Layout(0, 0, 0);

  /** With more entries in the tail. */
  public Layout append(int entries) {
    return new Layout(band, bank, length + entries);
  }
}
