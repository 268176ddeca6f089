package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Floats;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Reads stored weights into vectors. C2 fetches a buffer's fields anew at each load, some fifteen
 * scalar instructions of it; those of a buffer that was made in the same method, and does not leave
 * it, are in registers. So each loop reads a duplicate of its own, which is then never allocated.
 * That leaves five instructions, so a load should be a whole vector: of the short types that is two
 * elements a lane, and a group's order is its even elements, then its odd ones.
 */
final class VectorWeights {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  // The even elements of a vector, twice; the odd ones; the lanes where those of a second one go.
  private static final VectorShuffle<Float> EVEN =
      VectorShuffle.fromOp(FLOATS, lane -> 2 * lane % LANES);
  private static final VectorShuffle<Float> ODD =
      VectorShuffle.fromOp(FLOATS, lane -> (2 * lane + 1) % LANES);
  private static final VectorMask<Float> UPPER_HALF = VectorMask.fromLong(FLOATS, -1L << LANES / 2);

  private VectorWeights() {}

  /** {@link Kernels#group}. */
  static int group(DType type) {
    return type == DType.F32 ? LANES : 2 * LANES;
  }

  private static FloatVector f32(ByteBuffer data, int position) {
    return FloatVector.fromByteBuffer(FLOATS, data, position, ORDER);
  }

  /** Two elements of a short type a lane: the even one in the lower half, the odd one above it. */
  private static IntVector pairs(ByteBuffer data, int position) {
    return IntVector.fromByteBuffer(INTS, data, position, ORDER);
  }

  private static FloatVector bf16Even(IntVector pairs) {
    return pairs.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  private static FloatVector bf16Odd(IntVector pairs) {
    return pairs.lanewise(VectorOperators.AND, 0xffff0000).reinterpretAsFloats();
  }

  private static FloatVector f16Even(IntVector pairs) {
    return f16Odd(pairs.lanewise(VectorOperators.LSHL, 16));
  }

  /** As {@link Floats#fromF16}, with the sign moved along. */
  private static FloatVector f16Odd(IntVector pairs) {
    FloatVector scaled = movedF16Odd(pairs).mul(0x1p112f);
    VectorMask<Float> special = scaled.abs().compare(VectorOperators.GE, 0x1p16f);
    FloatVector filled =
        scaled.reinterpretAsInts().lanewise(VectorOperators.OR, 0x7f800000).reinterpretAsFloats();
    return scaled.blend(filled, special);
  }

  private static FloatVector movedF16Even(IntVector pairs) {
    return movedF16Odd(pairs.lanewise(VectorOperators.LSHL, 16));
  }

  /** Sign, exponent and fraction where a single has them: 2^112 times too small, if finite. */
  private static FloatVector movedF16Odd(IntVector pairs) {
    return pairs
        .lanewise(VectorOperators.ASHR, 3)
        .lanewise(VectorOperators.AND, 0x8fffe000)
        .reinterpretAsFloats();
  }

  /** {@link Kernels#arrange}. */
  static void arrange(DType type, float[] in, int from, int count, float[] out, int to) {
    if (type == DType.F32) {
      System.arraycopy(in, from, out, to, count);
      return;
    }
    for (int i = 0; i < count; i += 2 * LANES) {
      FloatVector first = FloatVector.fromArray(FLOATS, in, from + i);
      FloatVector second = FloatVector.fromArray(FLOATS, in, from + i + LANES);
      FloatVector even = first.rearrange(EVEN).blend(second.rearrange(EVEN), UPPER_HALF);
      FloatVector odd = first.rearrange(ODD).blend(second.rearrange(ODD), UPPER_HALF);
      even.intoArray(out, to + i);
      odd.intoArray(out, to + i + LANES);
    }
  }

  /** {@link Kernels#toFloats}, from a byte on. */
  static void toFloats(
      DType type, ByteBuffer data, int position, int count, float[] out, int offset) {
    switch (type) {
      case F32 -> {
        data.duplicate().order(ORDER).position(position).asFloatBuffer().get(out, offset, count);
      }
      case BF16 -> {
        bf16ToFloats(data, position, count, out, offset);
      }
      case F16 -> {
        f16ToFloats(data, position, count, out, offset);
      }
    }
  }

  private static void bf16ToFloats(
      ByteBuffer mapped, int position, int count, float[] out, int offset) {
    ByteBuffer data = mapped.duplicate();
    for (int i = 0; i < count; i += 2 * LANES) {
      IntVector pairs = pairs(data, position + 2 * i);
      bf16Even(pairs).intoArray(out, offset + i);
      bf16Odd(pairs).intoArray(out, offset + i + LANES);
    }
  }

  private static void f16ToFloats(
      ByteBuffer mapped, int position, int count, float[] out, int offset) {
    ByteBuffer data = mapped.duplicate();
    for (int i = 0; i < count; i += 2 * LANES) {
      IntVector pairs = pairs(data, position + 2 * i);
      f16Even(pairs).intoArray(out, offset + i);
      f16Odd(pairs).intoArray(out, offset + i + LANES);
    }
  }

  /** {@link Kernels#dots}. */
  static void dots(CpuWeight weight, int output, int step, float[] row, int offset, float[] sums) {
    ByteBuffer data = weight.data();
    int position = output * weight.stride();
    int stride = step * weight.stride();
    int count = weight.columns();
    switch (weight.type()) {
      case F32 -> {
        dotsF32(data, position, stride, row, offset, count, sums);
      }
      case BF16 -> {
        dotsBf16(data, position, stride, row, offset, count, sums);
      }
      case F16 -> {
        if (weight.finite()) {
          for (int i = 0; i < Kernels.DOTS; i += 2) {
            dotsFiniteF16(data, position + i * stride, stride, row, offset, count, sums, i * LANES);
          }
        } else {
          for (int i = 0; i < Kernels.DOTS; i++) {
            dotF16(data, position + i * stride, row, offset, count, sums, i * LANES);
          }
        }
      }
    }
  }

  private static void dotsF32(
      ByteBuffer mapped,
      int position,
      int stride,
      float[] row,
      int offset,
      int count,
      float[] sums) {
    ByteBuffer data = mapped.duplicate();
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = FloatVector.zero(FLOATS);
    FloatVector s2 = FloatVector.zero(FLOATS);
    FloatVector s3 = FloatVector.zero(FLOATS);
    for (int i = 0; i < count; i += LANES) {
      int p = position + 4 * i;
      FloatVector x = FloatVector.fromArray(FLOATS, row, offset + i);
      s0 = x.fma(f32(data, p), s0);
      s1 = x.fma(f32(data, p + stride), s1);
      s2 = x.fma(f32(data, p + 2 * stride), s2);
      s3 = x.fma(f32(data, p + 3 * stride), s3);
    }
    store(s0, s1, s2, s3, sums);
  }

  private static void dotsBf16(
      ByteBuffer mapped,
      int position,
      int stride,
      float[] row,
      int offset,
      int count,
      float[] sums) {
    ByteBuffer data = mapped.duplicate();
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = FloatVector.zero(FLOATS);
    FloatVector s2 = FloatVector.zero(FLOATS);
    FloatVector s3 = FloatVector.zero(FLOATS);
    for (int i = 0; i < count; i += 2 * LANES) {
      int p = position + 2 * i;
      FloatVector even = FloatVector.fromArray(FLOATS, row, offset + i);
      FloatVector odd = FloatVector.fromArray(FLOATS, row, offset + i + LANES);
      IntVector w = pairs(data, p);
      s0 = odd.fma(bf16Odd(w), even.fma(bf16Even(w), s0));
      w = pairs(data, p + stride);
      s1 = odd.fma(bf16Odd(w), even.fma(bf16Even(w), s1));
      w = pairs(data, p + 2 * stride);
      s2 = odd.fma(bf16Odd(w), even.fma(bf16Even(w), s2));
      w = pairs(data, p + 3 * stride);
      s3 = odd.fma(bf16Odd(w), even.fma(bf16Even(w), s3));
    }
    store(s0, s1, s2, s3, sums);
  }

  /**
   * The products of two outputs, whose weights are finite: that saves half of a conversion's
   * instructions, and C2 gives up inlining before it has four outputs' conversions. The weights'
   * moved bits are singles 2^112 times too small: half of that the row makes up for and half the
   * sums, so that nothing leaves a single's range. Powers of two round nothing.
   */
  private static void dotsFiniteF16(
      ByteBuffer mapped,
      int position,
      int stride,
      float[] row,
      int offset,
      int count,
      float[] sums,
      int sum) {
    ByteBuffer data = mapped.duplicate();
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = FloatVector.zero(FLOATS);
    for (int i = 0; i < count; i += 2 * LANES) {
      int p = position + 2 * i;
      FloatVector even = FloatVector.fromArray(FLOATS, row, offset + i).mul(0x1p56f);
      FloatVector odd = FloatVector.fromArray(FLOATS, row, offset + i + LANES).mul(0x1p56f);
      IntVector w = pairs(data, p);
      s0 = odd.fma(movedF16Odd(w), even.fma(movedF16Even(w), s0));
      w = pairs(data, p + stride);
      s1 = odd.fma(movedF16Odd(w), even.fma(movedF16Even(w), s1));
    }
    s0.mul(0x1p56f).intoArray(sums, sum);
    s1.mul(0x1p56f).intoArray(sums, sum + LANES);
  }

  /** The product of one output, whatever its weights. */
  private static void dotF16(
      ByteBuffer mapped, int position, float[] row, int offset, int count, float[] sums, int sum) {
    ByteBuffer data = mapped.duplicate();
    FloatVector s = FloatVector.zero(FLOATS);
    for (int i = 0; i < count; i += 2 * LANES) {
      FloatVector even = FloatVector.fromArray(FLOATS, row, offset + i);
      FloatVector odd = FloatVector.fromArray(FLOATS, row, offset + i + LANES);
      IntVector w = pairs(data, position + 2 * i);
      s = odd.fma(f16Odd(w), even.fma(f16Even(w), s));
    }
    s.intoArray(sums, sum);
  }

  private static void store(
      FloatVector s0, FloatVector s1, FloatVector s2, FloatVector s3, float[] sums) {
    s0.intoArray(sums, 0);
    s1.intoArray(sums, LANES);
    s2.intoArray(sums, 2 * LANES);
    s3.intoArray(sums, 3 * LANES);
  }
}
