package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.CacheType;
import dev.lowpass.kernels.Floats;

/**
 * One layer's keys or values as they are stored, in blocks of {@link Kernels#BLOCK} entries. What
 * is read of it are whole blocks, as floats; what is written are entries.
 *
 * <p>Values lie {@code [kvHeads, entries, channels]}. Keys are transposed within their block,
 * {@code [kvHeads, blocks, channels, BLOCK]}: a query's scores for consecutive entries then lie in
 * consecutive lanes, and no product needs a sum across lanes.
 */
abstract class CacheMemory {
  private final boolean transposed;
  private final int channels;
  private final int blocks;

  /** What all kinds need to know: how many kv heads and blocks there are, of so many channels. */
  record Shape(int kvHeads, int blocks, int channels, boolean transposed) {
    int size() {
      String what = transposed ? "a layer's keys" : "a layer's values";
      return Sizes.elements(what, kvHeads, blocks, Kernels.BLOCK, channels);
    }
  }

  private CacheMemory(Shape shape) {
    transposed = shape.transposed;
    channels = shape.channels;
    blocks = shape.blocks;
  }

  /** Takes memory of a type; {@link CacheType#AUTO} is float32. */
  static CacheMemory of(CacheType type, Shape shape) {
    return switch (type) {
      case AUTO, F32 -> new Singles(shape);
      case F16 -> new Halves(shape);
      case INT8 -> new Bytes(shape);
    };
  }

  /** Where a block begins. */
  final int blockOffset(int kvHead, int block) {
    return (kvHead * blocks + block) * channels * Kernels.BLOCK;
  }

  /** Where an entry's first channel is; the next are {@link #step} apart. */
  final int entryOffset(int kvHead, int entry) {
    int place = entry % Kernels.BLOCK;
    return blockOffset(kvHead, entry / Kernels.BLOCK) + (transposed ? place : place * channels);
  }

  /** From one of an entry's channels to the next. */
  final int step() {
    return transposed ? Kernels.BLOCK : 1;
  }

  /** Channels of an entry, those that round it up to whole vectors included. */
  final int channels() {
    return channels;
  }

  /**
   * The array whose numbers are floats where they are; null where they must be {@linkplain #decode
   * decoded}.
   */
  abstract float[] floats();

  /** Writes blocks {@code [begin, end)} of a kv head as floats, in their order. */
  abstract void decode(Kernels kernels, int kvHead, int begin, int end, float[] out);

  /**
   * Writes an entry.
   *
   * @param in its {@code count} channels, {@code step} apart from {@code at} on
   */
  abstract void put(int kvHead, int entry, float[] in, int at, int step, int count);

  /** Takes over a kv head's first entries from memory of the same type and number of channels. */
  abstract void copyFrom(CacheMemory from, int kvHead, int entries);

  abstract long bytes();

  /** The number of an entry among those of all kv heads. */
  private int index(int kvHead, int entry) {
    return kvHead * blocks * Kernels.BLOCK + entry;
  }

  /** Elements up to the end of the last of so many entries. */
  private int elements(int entries) {
    return (transposed ? Sizes.roundUp(entries, Kernels.BLOCK) : entries) * channels;
  }

  private static final class Singles extends CacheMemory {
    private final float[] data;

    Singles(Shape shape) {
      super(shape);
      data = new float[shape.size()];
    }

    @Override
    float[] floats() {
      return data;
    }

    @Override
    void decode(Kernels kernels, int kvHead, int begin, int end, float[] out) {
      int from = blockOffset(kvHead, begin);
      System.arraycopy(data, from, out, 0, blockOffset(kvHead, end) - from);
    }

    @Override
    void put(int kvHead, int entry, float[] in, int at, int step, int count) {
      int to = entryOffset(kvHead, entry);
      for (int i = 0; i < count; i++) {
        data[to + i * step()] = in[at + i * step];
      }
    }

    @Override
    void copyFrom(CacheMemory from, int kvHead, int entries) {
      float[] source = ((Singles) from).data;
      int at = from.blockOffset(kvHead, 0);
      System.arraycopy(source, at, data, blockOffset(kvHead, 0), super.elements(entries));
    }

    @Override
    long bytes() {
      return (long) Float.BYTES * data.length;
    }
  }

  private static final class Halves extends CacheMemory {
    private final short[] data;

    Halves(Shape shape) {
      super(shape);
      data = new short[shape.size()];
    }

    @Override
    float[] floats() {
      return null;
    }

    @Override
    void decode(Kernels kernels, int kvHead, int begin, int end, float[] out) {
      int from = blockOffset(kvHead, begin);
      kernels.fromF16(data, from, blockOffset(kvHead, end) - from, out);
    }

    @Override
    void put(int kvHead, int entry, float[] in, int at, int step, int count) {
      int to = entryOffset(kvHead, entry);
      for (int i = 0; i < count; i++) {
        data[to + i * step()] = Floats.toF16(in[at + i * step]);
      }
    }

    @Override
    void copyFrom(CacheMemory from, int kvHead, int entries) {
      short[] source = ((Halves) from).data;
      int at = from.blockOffset(kvHead, 0);
      System.arraycopy(source, at, data, blockOffset(kvHead, 0), super.elements(entries));
    }

    @Override
    long bytes() {
      return (long) Short.BYTES * data.length;
    }
  }

  /**
   * Bytes, and each entry's scale. A scale has 16 significant bits, so that 127 times it is exact:
   * what was read and is stored again keeps its bits.
   */
  private static final class Bytes extends CacheMemory {
    private static final int LARGEST = 127;

    /** Bits of a scale that are 0. */
    private static final int CLEARED = 0xff;

    private final byte[] data;
    private final float[] scales;

    Bytes(Shape shape) {
      super(shape);
      data = new byte[shape.size()];
      scales = new float[shape.kvHeads * shape.blocks * Kernels.BLOCK];
    }

    @Override
    float[] floats() {
      return null;
    }

    @Override
    void decode(Kernels kernels, int kvHead, int begin, int end, float[] out) {
      for (int block = begin; block < end; block++) {
        int from = blockOffset(kvHead, block);
        int scale = super.index(kvHead, block * Kernels.BLOCK);
        int to = (block - begin) * channels() * Kernels.BLOCK;
        if (super.transposed) {
          kernels.fromInt8Columns(data, from, scales, scale, channels(), out, to);
        } else {
          kernels.fromInt8Rows(data, from, scales, scale, channels(), out, to);
        }
      }
    }

    @Override
    void put(int kvHead, int entry, float[] in, int at, int step, int count) {
      float largest = 0;
      for (int i = 0; i < count; i++) {
        // NaN, if one is.
        largest = Math.max(largest, Math.abs(in[at + i * step]));
      }
      float scale = scale(largest);
      scales[super.index(kvHead, entry)] = scale;
      int to = entryOffset(kvHead, entry);
      for (int i = 0; i < count; i++) {
        data[to + i * step()] = scale > 0 ? (byte) Math.rint(in[at + i * step] / scale) : 0;
      }
    }

    /** The least scale of 16 bits that takes in a magnitude; what is no number stays none. */
    private static float scale(float largest) {
      int bits = Float.floatToRawIntBits(largest / LARGEST);
      return Float.isFinite(largest)
          ? Float.intBitsToFloat((bits + CLEARED) & ~CLEARED)
          : Float.NaN;
    }

    @Override
    void copyFrom(CacheMemory from, int kvHead, int entries) {
      Bytes source = (Bytes) from;
      int at = from.blockOffset(kvHead, 0);
      System.arraycopy(source.data, at, data, blockOffset(kvHead, 0), super.elements(entries));
      int scale = from.index(kvHead, 0);
      System.arraycopy(source.scales, scale, scales, super.index(kvHead, 0), entries);
    }

    @Override
    long bytes() {
      return data.length + (long) Float.BYTES * scales.length;
    }
  }
}
