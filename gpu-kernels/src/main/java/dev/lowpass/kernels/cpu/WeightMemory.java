package dev.lowpass.kernels.cpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.LongSupplier;

/**
 * The heap's part for weights in blocks. C2 reads a vector from an array in one instruction, from a
 * buffer in some five, and the heap may have huge pages. So they are copied from where they are
 * mapped, as long as they take half of the heap at the most. Weights as they are stored stay
 * mapped: they are larger, and gain less.
 */
final class WeightMemory {
  private final long mostWords;
  private final LongSupplier freeBytes;
  private long words;

  /** What the last weights are in, and as much of it as they take. */
  private int[] array = new int[0];

  private int end;

  WeightMemory() {
    this(Runtime.getRuntime().maxMemory() / 2, CpuDevice::freeHeap);
  }

  WeightMemory(long mostBytes, LongSupplier freeBytes) {
    mostWords = mostBytes / Integer.BYTES;
    this.freeBytes = freeBytes;
  }

  /**
   * Copies bytes.
   *
   * @param data from position to limit, whole words
   * @return the array, and where they are in it; null where there is no room
   */
  synchronized Words copy(ByteBuffer data) {
    int count = data.remaining() / Integer.BYTES;
    if (array.length - end < count && !extend(count)) {
      return null;
    }
    Words copy = new Words(array, end);
    data.slice().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(array, end, count);
    // The next one begins with a cache line.
    end = Math.min(array.length, end + Sizes.roundUp(count, AlignedFloats.LINE));
    return copy;
  }

  /** Takes an array, for more weights than this one where that wastes no more than half of it. */
  private boolean extend(int count) {
    long least = (long) AlignedFloats.BEGIN + count;
    long size = Math.max(least, Math.max(AlignedFloats.large(), Math.min(words, 1 << 24)));
    // Asked before, since some clusters kill a process at its first OutOfMemoryError.
    long room = Math.min(mostWords - words, freeBytes.getAsLong() / Integer.BYTES);
    if (size > room) {
      size = least;
    }
    if (size > room || size > Sizes.MAX_ARRAY) {
      return false;
    }
    array = new int[(int) size];
    words += size;
    end = AlignedFloats.BEGIN;
    return true;
  }

  /** Words {@code [begin, ...)} of an array. */
  record Words(int[] array, int begin) {}
}
