package dev.lowpass.pipeline.engine;

import dev.lowpass.pipeline.decoder.Decoder;
import dev.lowpass.pipeline.decoder.Sequence;
import dev.lowpass.pipeline.decoder.SequenceOptions;

/**
 * Caches that are on the device, counted and by their bytes. A cache never grows, so whoever gets a
 * slot can be done. The engine's thread alone.
 */
final class Slots {
  private final Decoder decoder;
  private final int most;
  private final long bytes;
  private int used;
  private long usedBytes;

  /** Whether the device refused memory that should have been there; until some comes back. */
  private boolean exhausted;

  /**
   * @param bytes that all of them may take
   */
  Slots(Decoder decoder, int most, long bytes) {
    this.decoder = decoder;
    this.most = most;
    this.bytes = bytes;
  }

  /** Whether there is room for so many more. For a document that would be alone there always is. */
  boolean fits(SequenceOptions options, int count) {
    return used == 0
        || !exhausted
            && used + count <= most
            && usedBytes + count * decoder.bytes(options) <= bytes;
  }

  /**
   * Takes one.
   *
   * @throws OutOfMemoryError if the device has not as much memory
   */
  Sequence take(SequenceOptions options) {
    Sequence sequence;
    try {
      sequence = new Sequence(decoder, options);
    } catch (OutOfMemoryError e) {
      exhausted = true;
      throw e;
    }
    used++;
    usedBytes += decoder.bytes(options);
    return sequence;
  }

  void giveBack(Sequence sequence, SequenceOptions options) {
    used--;
    usedBytes -= decoder.bytes(options);
    exhausted = false;
    sequence.close();
  }

  int most() {
    return most;
  }

  int used() {
    return used;
  }

  long bytes() {
    return bytes;
  }

  long usedBytes() {
    return usedBytes;
  }
}
