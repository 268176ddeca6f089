package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.Quantization;
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

  private VectorBlocks() {}

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
    for (int word = 0; word < WORDS; word += LANES) {
      if (weight.quantization() == Quantization.INT8) {
        int8ToFloats(weight.data(), position, which, word, count, out, offset + word);
      } else {
        int4ToFloats(weight.data(), position, which, word, count, out, offset + word);
      }
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
      if (weight.quantization() == Quantization.INT8) {
        int8Dots(scratch, units, row, offset, sums, sum);
      } else {
        int4Dot(scratch, 0, units, row, offset, sums, sum);
        int4Dot(scratch, 1, units, row, offset, sums, sum + LANES);
      }
    } else {
      convertedDots(weight, pair, row, offset, sums, sum);
    }
  }

  /**
   * The products of a pair of outputs. It is one method, of more bytecodes than C2 inlines, so that
   * C2 compiles it by itself: where it is inlined its caller takes the nodes that it needs.
   */
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
      FloatVector scale = FloatVector.broadcast(FLOATS, half(data[p] & 0xff | data[p + 1] << 8));
      IntVector bytes = w.lanewise(VectorOperators.LSHL, 24).lanewise(VectorOperators.ASHR, 24);
      s0 = x.fma(((FloatVector) bytes.convert(VectorOperators.I2F, 0)).mul(scale), s0);
      bytes = w.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 24);
      s0 = y.fma(((FloatVector) bytes.convert(VectorOperators.I2F, 0)).mul(scale), s0);
      scale = FloatVector.broadcast(FLOATS, half(data[p + 2] & 0xff | data[p + 3] << 8));
      bytes = w.lanewise(VectorOperators.LSHL, 8).lanewise(VectorOperators.ASHR, 24);
      s1 = x.fma(((FloatVector) bytes.convert(VectorOperators.I2F, 0)).mul(scale), s1);
      bytes = w.lanewise(VectorOperators.ASHR, 24);
      s1 = y.fma(((FloatVector) bytes.convert(VectorOperators.I2F, 0)).mul(scale), s1);
    }
    s0.intoArray(sums, sum);
    s1.intoArray(sums, sum + LANES);
  }

  /** The product of one of a pair's outputs; as {@link #int8Dots}. */
  private static void int4Dot(
      byte[] data, int which, int units, float[] row, int offset, float[] sums, int sum) {
    FloatVector s = FloatVector.zero(FLOATS);
    for (int unit = 0; unit < units; unit++) {
      int p = unit * UNIT;
      int i = offset + unit * INT4_COLUMNS;
      int bits16 = data[p + 2 * which] & 0xff | data[p + 2 * which + 1] << 8;
      FloatVector scale = FloatVector.broadcast(FLOATS, half(bits16));
      IntVector w =
          IntVector.fromByteArray(INTS, data, p + SCALES, ORDER)
              .lanewise(VectorOperators.LSHR, 4 * which);
      IntVector bits = w.lanewise(VectorOperators.LSHL, 28).lanewise(VectorOperators.ASHR, 28);
      FloatVector x = FloatVector.fromArray(FLOATS, row, i);
      s = x.fma(((FloatVector) bits.convert(VectorOperators.I2F, 0)).mul(scale), s);
      bits = w.lanewise(VectorOperators.LSHL, 20).lanewise(VectorOperators.ASHR, 28);
      x = FloatVector.fromArray(FLOATS, row, i + WORDS);
      s = x.fma(((FloatVector) bits.convert(VectorOperators.I2F, 0)).mul(scale), s);
      bits = w.lanewise(VectorOperators.LSHL, 12).lanewise(VectorOperators.ASHR, 28);
      x = FloatVector.fromArray(FLOATS, row, i + 2 * WORDS);
      s = x.fma(((FloatVector) bits.convert(VectorOperators.I2F, 0)).mul(scale), s);
      bits = w.lanewise(VectorOperators.LSHL, 4).lanewise(VectorOperators.ASHR, 28);
      x = FloatVector.fromArray(FLOATS, row, i + 3 * WORDS);
      s = x.fma(((FloatVector) bits.convert(VectorOperators.I2F, 0)).mul(scale), s);
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
