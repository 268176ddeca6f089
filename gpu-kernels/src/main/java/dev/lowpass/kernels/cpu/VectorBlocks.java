package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.Quantization;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Reads blocks of a {@link Quantization} into vectors. A lane holds a word, whose parts are
 * elements of as many vectors, so that the elements come out in their order. Every element becomes
 * {@code scale * integer} in float32, which is exact, whether it is multiplied at once or converted
 * for a panel: that is why both give the same sums.
 *
 * <p>C2 stops inlining, and the loop is ten times slower, where it has more than some thirty of the
 * Vector API's operations. So a loop has four conversions, and reads arrays, which cost C2 less
 * than a buffer does: two outputs' blocks are copied to one first, which also keeps memory busy.
 */
final class VectorBlocks {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  private static final int UNIT = Quantization.UNIT_BYTES;
  private static final int SCALES = 4;

  /** Words of a unit. */
  private static final int WORDS = 16;

  private static final int INT8_COLUMNS = Quantization.INT8.blockColumns();
  private static final int INT4_COLUMNS = Quantization.INT4.blockColumns();

  // Not final, so that C2 does not know what they are and cannot inline it.
  private static MethodHandle int8Dots;
  private static MethodHandle int4Dot;
  private static MethodHandle int8ToFloats;
  private static MethodHandle int4ToFloats;

  static {
    MethodHandles.Lookup lookup = MethodHandles.lookup();
    int8Dots = loop(lookup, "int8Dots");
    int4Dot = loop(lookup, "int4Dot");
    int8ToFloats = loop(lookup, "int8ToFloats");
    int4ToFloats = loop(lookup, "int4ToFloats");
  }

  private VectorBlocks() {}

  private static MethodHandle loop(MethodHandles.Lookup lookup, String name) {
    try {
      for (Method method : VectorBlocks.class.getDeclaredMethods()) {
        if (method.getName().equals(name)) {
          return lookup.unreflect(method);
        }
      }
    } catch (IllegalAccessException e) {
      throw new AssertionError("a class reaches its own methods", e);
    }
    throw new AssertionError(name);
  }

  private static AssertionError unexpected(Throwable e) {
    if (e instanceof RuntimeException unchecked) {
      throw unchecked;
    }
    if (e instanceof Error error) {
      throw error;
    }
    return new AssertionError("the loops throw nothing that is checked", e);
  }

  private static IntVector words(ByteBuffer data, int position) {
    return IntVector.fromByteBuffer(INTS, data, position, ORDER);
  }

  /** A finite half, in the lower bits. */
  private static float half(int bits) {
    return Float.intBitsToFloat((bits << 16 >> 3) & 0x8fffe000) * 0x1p112f;
  }

  /** A word's signed byte, of which {@code left} bits are above. */
  private static FloatVector signedByte(IntVector words, int left) {
    return (FloatVector)
        words
            .lanewise(VectorOperators.LSHL, left)
            .lanewise(VectorOperators.ASHR, 24)
            .convert(VectorOperators.I2F, 0);
  }

  /** The same of four bits. */
  private static FloatVector signedHalfByte(IntVector words, int left) {
    return (FloatVector)
        words
            .lanewise(VectorOperators.LSHL, left)
            .lanewise(VectorOperators.ASHR, 28)
            .convert(VectorOperators.I2F, 0);
  }

  /** {@link Kernels#toFloats}. */
  static void toFloats(
      CpuWeight weight, int output, int begin, int count, float[] out, int offset) {
    int columns = weight.quantization().blockColumns();
    int position = output / 2 * weight.stride() + begin / columns * UNIT;
    int which = output % 2;
    MethodHandle loop = weight.quantization() == Quantization.INT8 ? int8ToFloats : int4ToFloats;
    try {
      for (int word = 0; word < WORDS; word += LANES) {
        loop.invokeExact(weight.data(), position, which, word, count, out, offset + word);
      }
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  private static void int8ToFloats(
      ByteBuffer data, int position, int which, int word, int count, float[] out, int offset) {
    int p = position;
    int left = 24 - 16 * which;
    for (int i = offset; i < offset + count; i += INT8_COLUMNS, p += UNIT) {
      float scale = half(data.getInt(p) >> 16 * which);
      IntVector w = words(data, p + SCALES + 4 * word);
      signedByte(w, left).mul(scale).intoArray(out, i);
      signedByte(w, left - 8).mul(scale).intoArray(out, i + WORDS);
    }
  }

  private static void int4ToFloats(
      ByteBuffer data, int position, int which, int word, int count, float[] out, int offset) {
    for (int half = 0; half < 2 * count / INT4_COLUMNS; half++) {
      int p = position + half / 2 * UNIT;
      int i = offset + half * INT4_COLUMNS / 2;
      FloatVector scale = FloatVector.broadcast(FLOATS, half(data.getInt(p) >> 16 * which));
      IntVector w =
          words(data, p + SCALES + 4 * word)
              .lanewise(VectorOperators.LSHR, half % 2 * 16 + 4 * which);
      signedHalfByte(w, 28).mul(scale).intoArray(out, i);
      signedHalfByte(w, 20).mul(scale).intoArray(out, i + WORDS);
    }
  }

  /** {@link Kernels#pairDots}. */
  static void pairDots(
      CpuWeight weight, int pair, byte[] scratch, float[] row, int offset, float[] sums, int sum) {
    if (LANES == WORDS) {
      int units = weight.stride() / UNIT;
      weight.data().get(pair * weight.stride(), scratch, 0, weight.stride());
      try {
        if (weight.quantization() == Quantization.INT8) {
          int8Dots.invokeExact(scratch, units, row, offset, sums, sum);
        } else {
          int4Dot.invokeExact(scratch, 0, units, row, offset, sums, sum);
          int4Dot.invokeExact(scratch, 1, units, row, offset, sums, sum + LANES);
        }
      } catch (Throwable e) {
        throw unexpected(e);
      }
    } else {
      convertedDots(weight, pair, row, offset, sums, sum);
    }
  }

  private static float scale(byte[] data, int position) {
    return half(data[position] & 0xff | data[position + 1] << 8);
  }

  private static void int8Dots(
      byte[] data, int units, float[] row, int offset, float[] sums, int sum) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = FloatVector.zero(FLOATS);
    for (int unit = 0; unit < units; unit++) {
      int p = unit * UNIT;
      int i = offset + unit * INT8_COLUMNS;
      IntVector w = IntVector.fromByteArray(INTS, data, p + SCALES, ORDER);
      FloatVector x = FloatVector.fromArray(FLOATS, row, i);
      FloatVector y = FloatVector.fromArray(FLOATS, row, i + WORDS);
      FloatVector scale = FloatVector.broadcast(FLOATS, scale(data, p));
      s0 = x.fma(signedByte(w, 24).mul(scale), s0);
      s0 = y.fma(signedByte(w, 16).mul(scale), s0);
      scale = FloatVector.broadcast(FLOATS, scale(data, p + 2));
      s1 = x.fma(signedByte(w, 8).mul(scale), s1);
      s1 = y.fma(signedByte(w, 0).mul(scale), s1);
    }
    s0.intoArray(sums, sum);
    s1.intoArray(sums, sum + LANES);
  }

  /** The product of one of a pair's outputs, half a unit at a time. */
  private static void int4Dot(
      byte[] data, int which, int units, float[] row, int offset, float[] sums, int sum) {
    FloatVector s = FloatVector.zero(FLOATS);
    for (int half = 0; half < 2 * units; half++) {
      int p = half / 2 * UNIT;
      int i = offset + half * INT4_COLUMNS / 2;
      IntVector w =
          IntVector.fromByteArray(INTS, data, p + SCALES, ORDER)
              .lanewise(VectorOperators.LSHR, half % 2 * 16 + 4 * which);
      FloatVector scale = FloatVector.broadcast(FLOATS, scale(data, p + 2 * which));
      s = FloatVector.fromArray(FLOATS, row, i).fma(signedHalfByte(w, 28).mul(scale), s);
      s = FloatVector.fromArray(FLOATS, row, i + WORDS).fma(signedHalfByte(w, 20).mul(scale), s);
    }
    s.intoArray(sums, sum);
  }

  /** Through memory, where a unit's words are several vectors. */
  private static void convertedDots(
      CpuWeight weight, int pair, float[] row, int offset, float[] sums, int sum) {
    int blockColumns = weight.quantization().blockColumns();
    int columns = weight.stride() / UNIT * blockColumns;
    int piece = Math.min(columns, Kernels.DEPTH);
    float[] floats = new float[2 * Kernels.DEPTH];
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = FloatVector.zero(FLOATS);
    for (int begin = 0; begin < columns; begin += piece) {
      int count = Math.min(piece, columns - begin);
      toFloats(weight, 2 * pair, begin, count, floats, 0);
      toFloats(weight, 2 * pair + 1, begin, count, floats, Kernels.DEPTH);
      for (int i = 0; i < count; i += LANES) {
        FloatVector x = FloatVector.fromArray(FLOATS, row, offset + begin + i);
        s0 = x.fma(FloatVector.fromArray(FLOATS, floats, i), s0);
        s1 = x.fma(FloatVector.fromArray(FLOATS, floats, Kernels.DEPTH + i), s1);
      }
    }
    s0.intoArray(sums, sum);
    s1.intoArray(sums, sum + LANES);
  }
}
