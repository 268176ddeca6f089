package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.Quantization;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products with units of a {@link Quantization}. The lanes are outputs, so a row's integers are
 * broadcast and sums need no order: they are exact.
 *
 * <p>Few rows multiply in lanes of 16 bits. What is in a unit is unsigned, {@code u = w + offset};
 * {@code u * x} is taken modulo 2^16, and where {@code offset * x} is subtracted before the sum is
 * looked at, the sum is right, if only it fits. That saves the instructions that would extend
 * signs: a vector of weights takes ten (INT8, 64 weights) or fifteen (INT4, 128), less than it
 * takes to fetch it from memory. Shifts are of words, because those of halves are two instructions
 * each.
 *
 * <p>C2 of JDK 17 always inlines the Vector API, but our own methods only where the method is not
 * too large by then, and the other has not been compiled to much code by itself; where it does not,
 * it makes an object of each vector that goes in or comes out. So methods for few rows spell
 * everything out, and pass vectors on through memory. They reinterpret lanes as those of a species
 * that is a constant: {@code reinterpretAsInts} and the like look it up, and in a large method C2
 * may not see which one it is. Where a loop in a loop has sums of both it keeps vectors in memory:
 * hence a method for each loop.
 */
final class VectorBlocks {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;
  private static final VectorSpecies<Short> SHORTS = ShortVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();
  private static final int ROWS = Kernels.BLOCK_ROWS;
  private static final int OUTPUTS = Quantization.ROWS;

  /** Words that lie together; INT8 has columns i and 16 + i in the i-th, INT4 two more. */
  private static final int WORDS = 16;

  /** Both halves' lower byte. */
  private static final int BYTES = 0xff00ff;

  /** Both halves' lower four bits. */
  private static final int HALF_BYTES = 0xf000f;

  /** A half's sign, exponent and fraction, moved to where a single has them. */
  private static final int HALF = 0x8fffe000;

  /**
   * Adding and subtracting it rounds a float below 2^22 to an integer, to even where two are near.
   */
  private static final float INTEGER = 0x1.8p23f;

  private static final int INTEGER_BITS = Float.floatToRawIntBits(INTEGER);

  private VectorBlocks() {}

  /** {@link Kernels#round}. */
  static float round(float[] in, int from, int count, float[] out, int to) {
    // Magnitudes are in the order of their bits, NaN the highest.
    IntVector bits = IntVector.zero(INTS);
    for (int i = 0; i < count; i += LANES) {
      bits =
          bits.max(
              FloatVector.fromArray(FLOATS, in, from + i)
                  .reinterpretAsInts()
                  .lanewise(VectorOperators.AND, 0x7fffffff));
    }
    float largest = Float.intBitsToFloat(bits.reduceLanes(VectorOperators.MAX));
    float inverse = Kernels.inverse(largest);
    for (int i = 0; i < count; i += LANES) {
      FloatVector multiple = FloatVector.fromArray(FLOATS, in, from + i).mul(inverse);
      multiple.add(INTEGER).sub(INTEGER).intoArray(out, to + i);
    }
    return largest / Kernels.LARGEST;
  }

  /**
   * {@link Kernels#operand}: the multiples, each in both halves of a word. Behind them are what
   * {@link #int8Sums} adds to each two products, or {@link #separateInt4} to their sums.
   */
  static void operand(Quantization quantization, float[] multiples, int[] out, int to) {
    int columns = quantization.blockColumns();
    for (int i = 0; i < columns; i += LANES) {
      twice(integers(multiples, i)).intoArray(out, to + i);
    }
    if (quantization == Quantization.INT8) {
      for (int i = 0; i < WORDS; i += LANES) {
        IntVector sum = integers(multiples, i).add(integers(multiples, WORDS + i));
        twice(sum.mul(-128).add(1 << 15)).intoArray(out, to + columns + i);
      }
      return;
    }
    float even = 0;
    float odd = 0;
    for (int i = 0; i < WORDS; i += LANES) {
      even += sum(multiples, i, i + 2 * WORDS);
      odd += sum(multiples, i + WORDS, i + 3 * WORDS);
    }
    out[to + columns] = twice((int) (-8 * even));
    out[to + columns + 1] = twice((int) (-8 * odd));
  }

  private static IntVector integers(float[] multiples, int from) {
    // A sum's lowest bits are the integer. C2 of JDK 17 has no instruction for F2I: it would box.
    return FloatVector.fromArray(FLOATS, multiples, from)
        .add(INTEGER)
        .reinterpretAsInts()
        .sub(INTEGER_BITS);
  }

  /** Exact, in any order. */
  private static float sum(float[] multiples, int first, int second) {
    return FloatVector.fromArray(FLOATS, multiples, first)
        .add(FloatVector.fromArray(FLOATS, multiples, second))
        .reduceLanes(VectorOperators.ADD);
  }

  private static int twice(int half) {
    return (half & 0xffff) * 0x10001;
  }

  private static IntVector twice(IntVector halves) {
    return halves
        .lanewise(VectorOperators.AND, 0xffff)
        .lanewise(VectorOperators.OR, halves.lanewise(VectorOperators.LSHL, 16));
  }

  /** {@link Kernels#addUnit}. */
  static void addUnit(
      CpuWeight weight,
      int position,
      int[] operand,
      int at,
      float scale,
      float[] floats,
      int sums,
      int total) {
    Quantization quantization = weight.quantization();
    int unit = weight.find(position, 0, 1);
    int[] words = weight.words();
    for (int word = 0; word < WORDS; word += LANES) {
      int p = unit + word;
      if (quantization == Quantization.INT8) {
        int8Sums(words, p, operand, at, floats, sums);
        separateInt8(floats, sums);
      } else {
        int4Sums(words, p, operand, at, floats, sums);
        separateInt4(operand, at, floats, sums);
      }
      addSums(words, p, scale, floats, sums, total + word);
    }
  }

  /** {@link Kernels#addUnitOfEach}. */
  static void addUnitOfEach(
      CpuWeight weight,
      int position,
      int step,
      int[] operand,
      int at,
      float scale,
      float[] floats,
      int sums,
      int total) {
    Quantization quantization = weight.quantization();
    int unit = weight.find(position, step, Kernels.GROUPS);
    int distance = weight.distance(step);
    int[] words = weight.words();
    for (int word = 0; word < WORDS; word += LANES) {
      int p = unit + word;
      if (quantization == Quantization.INT8) {
        fourInt8Sums(words, p, distance, operand, at, floats, sums);
      } else {
        fourInt4Sums(words, p, distance, operand, at, floats, sums);
      }
      for (int i = 0; i < Kernels.GROUPS; i++) {
        int sum = sums + 2 * i * LANES;
        if (quantization == Quantization.INT8) {
          separateInt8(floats, sum);
        } else {
          separateInt4(operand, at, floats, sum);
        }
        addSums(words, p + i * distance, scale, floats, sum, total + i * OUTPUTS + word);
      }
    }
  }

  /**
   * Sums of a vector of words of a unit: of words, and of their upper halves. Two products are 2 *
   * 127^2 at the most, and 2^15 more make them positive, below 2^16: so a half carries nothing into
   * the other.
   */
  private static void int8Sums(
      int[] words, int position, int[] operand, int at, float[] floats, int sums) {
    IntVector bytes = IntVector.broadcast(INTS, BYTES);
    IntVector all = IntVector.zero(INTS);
    IntVector upper = IntVector.zero(INTS);
    for (int i = 0; i < WORDS; i++) {
      int p = (i + 1) * WORDS;
      ShortVector x =
          (ShortVector) IntVector.broadcast(INTS, operand[at + i]).reinterpretShape(SHORTS, 0);
      ShortVector y =
          (ShortVector)
              IntVector.broadcast(INTS, operand[at + WORDS + i]).reinterpretShape(SHORTS, 0);
      ShortVector more =
          (ShortVector)
              IntVector.broadcast(INTS, operand[at + 2 * WORDS + i]).reinterpretShape(SHORTS, 0);
      IntVector w = IntVector.fromArray(INTS, words, position + p);
      ShortVector even = (ShortVector) w.and(bytes).reinterpretShape(SHORTS, 0);
      ShortVector odd =
          (ShortVector) w.lanewise(VectorOperators.LSHR, 8).and(bytes).reinterpretShape(SHORTS, 0);
      IntVector two = (IntVector) even.mul(x).add(odd.mul(y)).add(more).reinterpretShape(INTS, 0);
      all = all.add(two);
      upper = upper.add(two.lanewise(VectorOperators.LSHR, 16));
    }
    ((FloatVector) all.reinterpretShape(FLOATS, 0)).intoArray(floats, sums);
    ((FloatVector) upper.reinterpretShape(FLOATS, 0)).intoArray(floats, sums + LANES);
  }

  /** {@link #int8Sums} of each of four units. */
  private static void fourInt8Sums(
      int[] words, int position, int step, int[] operand, int at, float[] floats, int sums) {
    int second = position + step;
    int third = second + step;
    int fourth = third + step;
    IntVector bytes = IntVector.broadcast(INTS, BYTES);
    IntVector all0 = IntVector.zero(INTS);
    IntVector upper0 = IntVector.zero(INTS);
    IntVector all1 = IntVector.zero(INTS);
    IntVector upper1 = IntVector.zero(INTS);
    IntVector all2 = IntVector.zero(INTS);
    IntVector upper2 = IntVector.zero(INTS);
    IntVector all3 = IntVector.zero(INTS);
    IntVector upper3 = IntVector.zero(INTS);
    for (int i = 0; i < WORDS; i++) {
      int p = (i + 1) * WORDS;
      ShortVector x =
          (ShortVector) IntVector.broadcast(INTS, operand[at + i]).reinterpretShape(SHORTS, 0);
      ShortVector y =
          (ShortVector)
              IntVector.broadcast(INTS, operand[at + WORDS + i]).reinterpretShape(SHORTS, 0);
      ShortVector more =
          (ShortVector)
              IntVector.broadcast(INTS, operand[at + 2 * WORDS + i]).reinterpretShape(SHORTS, 0);
      IntVector w = IntVector.fromArray(INTS, words, position + p);
      ShortVector even = (ShortVector) w.and(bytes).reinterpretShape(SHORTS, 0);
      ShortVector odd =
          (ShortVector) w.lanewise(VectorOperators.LSHR, 8).and(bytes).reinterpretShape(SHORTS, 0);
      IntVector two = (IntVector) even.mul(x).add(odd.mul(y)).add(more).reinterpretShape(INTS, 0);
      all0 = all0.add(two);
      upper0 = upper0.add(two.lanewise(VectorOperators.LSHR, 16));
      w = IntVector.fromArray(INTS, words, second + p);
      even = (ShortVector) w.and(bytes).reinterpretShape(SHORTS, 0);
      odd =
          (ShortVector) w.lanewise(VectorOperators.LSHR, 8).and(bytes).reinterpretShape(SHORTS, 0);
      two = (IntVector) even.mul(x).add(odd.mul(y)).add(more).reinterpretShape(INTS, 0);
      all1 = all1.add(two);
      upper1 = upper1.add(two.lanewise(VectorOperators.LSHR, 16));
      w = IntVector.fromArray(INTS, words, third + p);
      even = (ShortVector) w.and(bytes).reinterpretShape(SHORTS, 0);
      odd =
          (ShortVector) w.lanewise(VectorOperators.LSHR, 8).and(bytes).reinterpretShape(SHORTS, 0);
      two = (IntVector) even.mul(x).add(odd.mul(y)).add(more).reinterpretShape(INTS, 0);
      all2 = all2.add(two);
      upper2 = upper2.add(two.lanewise(VectorOperators.LSHR, 16));
      w = IntVector.fromArray(INTS, words, fourth + p);
      even = (ShortVector) w.and(bytes).reinterpretShape(SHORTS, 0);
      odd =
          (ShortVector) w.lanewise(VectorOperators.LSHR, 8).and(bytes).reinterpretShape(SHORTS, 0);
      two = (IntVector) even.mul(x).add(odd.mul(y)).add(more).reinterpretShape(INTS, 0);
      all3 = all3.add(two);
      upper3 = upper3.add(two.lanewise(VectorOperators.LSHR, 16));
    }
    ((FloatVector) all0.reinterpretShape(FLOATS, 0)).intoArray(floats, sums);
    ((FloatVector) upper0.reinterpretShape(FLOATS, 0)).intoArray(floats, sums + LANES);
    ((FloatVector) all1.reinterpretShape(FLOATS, 0)).intoArray(floats, sums + 2 * LANES);
    ((FloatVector) upper1.reinterpretShape(FLOATS, 0)).intoArray(floats, sums + 3 * LANES);
    ((FloatVector) all2.reinterpretShape(FLOATS, 0)).intoArray(floats, sums + 4 * LANES);
    ((FloatVector) upper2.reinterpretShape(FLOATS, 0)).intoArray(floats, sums + 5 * LANES);
    ((FloatVector) all3.reinterpretShape(FLOATS, 0)).intoArray(floats, sums + 6 * LANES);
    ((FloatVector) upper3.reinterpretShape(FLOATS, 0)).intoArray(floats, sums + 7 * LANES);
  }

  /** Makes of what {@link #int8Sums} has the sums of words' lower and upper halves. */
  private static void separateInt8(float[] floats, int sums) {
    FloatVector bits = FloatVector.fromArray(FLOATS, floats, sums + LANES);
    IntVector upper = (IntVector) bits.reinterpretShape(INTS, 0);
    bits = FloatVector.fromArray(FLOATS, floats, sums);
    // Words' sums are modulo 2^32, and so is what is left of them.
    IntVector lower =
        ((IntVector) bits.reinterpretShape(INTS, 0)).sub(upper.lanewise(VectorOperators.LSHL, 16));
    bits = (FloatVector) lower.sub(WORDS << 15).reinterpretShape(FLOATS, 0);
    bits.intoArray(floats, sums);
    bits = (FloatVector) upper.sub(WORDS << 15).reinterpretShape(FLOATS, 0);
    bits.intoArray(floats, sums + LANES);
  }

  /**
   * Sums of a vector of words of a unit: of the columns that lie first and third in their halves,
   * and of the others. Half of a block's products, 32 * 8 * 127 at the most, are below 2^15 when
   * {@link #separateInt4} has taken the offset out.
   */
  private static void int4Sums(
      int[] words, int position, int[] operand, int at, float[] floats, int sums) {
    IntVector bits = IntVector.broadcast(INTS, HALF_BYTES);
    ShortVector even = ShortVector.zero(SHORTS);
    ShortVector odd = ShortVector.zero(SHORTS);
    for (int i = 0; i < WORDS; i++) {
      int p = (i + 1) * WORDS;
      ShortVector x0 =
          (ShortVector) IntVector.broadcast(INTS, operand[at + i]).reinterpretShape(SHORTS, 0);
      ShortVector x1 =
          (ShortVector)
              IntVector.broadcast(INTS, operand[at + WORDS + i]).reinterpretShape(SHORTS, 0);
      ShortVector x2 =
          (ShortVector)
              IntVector.broadcast(INTS, operand[at + 2 * WORDS + i]).reinterpretShape(SHORTS, 0);
      ShortVector x3 =
          (ShortVector)
              IntVector.broadcast(INTS, operand[at + 3 * WORDS + i]).reinterpretShape(SHORTS, 0);
      IntVector w = IntVector.fromArray(INTS, words, position + p);
      even = even.add(((ShortVector) w.and(bits).reinterpretShape(SHORTS, 0)).mul(x0));
      IntVector u = w.lanewise(VectorOperators.LSHR, 4).and(bits);
      odd = odd.add(((ShortVector) u.reinterpretShape(SHORTS, 0)).mul(x1));
      u = w.lanewise(VectorOperators.LSHR, 8).and(bits);
      even = even.add(((ShortVector) u.reinterpretShape(SHORTS, 0)).mul(x2));
      u = w.lanewise(VectorOperators.LSHR, 12).and(bits);
      odd = odd.add(((ShortVector) u.reinterpretShape(SHORTS, 0)).mul(x3));
    }
    ((FloatVector) even.reinterpretShape(FLOATS, 0)).intoArray(floats, sums);
    ((FloatVector) odd.reinterpretShape(FLOATS, 0)).intoArray(floats, sums + LANES);
  }

  /** {@link #int4Sums} of each of four units. */
  private static void fourInt4Sums(
      int[] words, int position, int step, int[] operand, int at, float[] floats, int sums) {
    int second = position + step;
    int third = second + step;
    int fourth = third + step;
    IntVector bits = IntVector.broadcast(INTS, HALF_BYTES);
    ShortVector even0 = ShortVector.zero(SHORTS);
    ShortVector odd0 = ShortVector.zero(SHORTS);
    ShortVector even1 = ShortVector.zero(SHORTS);
    ShortVector odd1 = ShortVector.zero(SHORTS);
    ShortVector even2 = ShortVector.zero(SHORTS);
    ShortVector odd2 = ShortVector.zero(SHORTS);
    ShortVector even3 = ShortVector.zero(SHORTS);
    ShortVector odd3 = ShortVector.zero(SHORTS);
    for (int i = 0; i < WORDS; i++) {
      int p = (i + 1) * WORDS;
      ShortVector x0 =
          (ShortVector) IntVector.broadcast(INTS, operand[at + i]).reinterpretShape(SHORTS, 0);
      ShortVector x1 =
          (ShortVector)
              IntVector.broadcast(INTS, operand[at + WORDS + i]).reinterpretShape(SHORTS, 0);
      ShortVector x2 =
          (ShortVector)
              IntVector.broadcast(INTS, operand[at + 2 * WORDS + i]).reinterpretShape(SHORTS, 0);
      ShortVector x3 =
          (ShortVector)
              IntVector.broadcast(INTS, operand[at + 3 * WORDS + i]).reinterpretShape(SHORTS, 0);
      IntVector w = IntVector.fromArray(INTS, words, position + p);
      even0 = even0.add(((ShortVector) w.and(bits).reinterpretShape(SHORTS, 0)).mul(x0));
      IntVector u = w.lanewise(VectorOperators.LSHR, 4).and(bits);
      odd0 = odd0.add(((ShortVector) u.reinterpretShape(SHORTS, 0)).mul(x1));
      u = w.lanewise(VectorOperators.LSHR, 8).and(bits);
      even0 = even0.add(((ShortVector) u.reinterpretShape(SHORTS, 0)).mul(x2));
      u = w.lanewise(VectorOperators.LSHR, 12).and(bits);
      odd0 = odd0.add(((ShortVector) u.reinterpretShape(SHORTS, 0)).mul(x3));
      w = IntVector.fromArray(INTS, words, second + p);
      even1 = even1.add(((ShortVector) w.and(bits).reinterpretShape(SHORTS, 0)).mul(x0));
      u = w.lanewise(VectorOperators.LSHR, 4).and(bits);
      odd1 = odd1.add(((ShortVector) u.reinterpretShape(SHORTS, 0)).mul(x1));
      u = w.lanewise(VectorOperators.LSHR, 8).and(bits);
      even1 = even1.add(((ShortVector) u.reinterpretShape(SHORTS, 0)).mul(x2));
      u = w.lanewise(VectorOperators.LSHR, 12).and(bits);
      odd1 = odd1.add(((ShortVector) u.reinterpretShape(SHORTS, 0)).mul(x3));
      w = IntVector.fromArray(INTS, words, third + p);
      even2 = even2.add(((ShortVector) w.and(bits).reinterpretShape(SHORTS, 0)).mul(x0));
      u = w.lanewise(VectorOperators.LSHR, 4).and(bits);
      odd2 = odd2.add(((ShortVector) u.reinterpretShape(SHORTS, 0)).mul(x1));
      u = w.lanewise(VectorOperators.LSHR, 8).and(bits);
      even2 = even2.add(((ShortVector) u.reinterpretShape(SHORTS, 0)).mul(x2));
      u = w.lanewise(VectorOperators.LSHR, 12).and(bits);
      odd2 = odd2.add(((ShortVector) u.reinterpretShape(SHORTS, 0)).mul(x3));
      w = IntVector.fromArray(INTS, words, fourth + p);
      even3 = even3.add(((ShortVector) w.and(bits).reinterpretShape(SHORTS, 0)).mul(x0));
      u = w.lanewise(VectorOperators.LSHR, 4).and(bits);
      odd3 = odd3.add(((ShortVector) u.reinterpretShape(SHORTS, 0)).mul(x1));
      u = w.lanewise(VectorOperators.LSHR, 8).and(bits);
      even3 = even3.add(((ShortVector) u.reinterpretShape(SHORTS, 0)).mul(x2));
      u = w.lanewise(VectorOperators.LSHR, 12).and(bits);
      odd3 = odd3.add(((ShortVector) u.reinterpretShape(SHORTS, 0)).mul(x3));
    }
    ((FloatVector) even0.reinterpretShape(FLOATS, 0)).intoArray(floats, sums);
    ((FloatVector) odd0.reinterpretShape(FLOATS, 0)).intoArray(floats, sums + LANES);
    ((FloatVector) even1.reinterpretShape(FLOATS, 0)).intoArray(floats, sums + 2 * LANES);
    ((FloatVector) odd1.reinterpretShape(FLOATS, 0)).intoArray(floats, sums + 3 * LANES);
    ((FloatVector) even2.reinterpretShape(FLOATS, 0)).intoArray(floats, sums + 4 * LANES);
    ((FloatVector) odd2.reinterpretShape(FLOATS, 0)).intoArray(floats, sums + 5 * LANES);
    ((FloatVector) even3.reinterpretShape(FLOATS, 0)).intoArray(floats, sums + 6 * LANES);
    ((FloatVector) odd3.reinterpretShape(FLOATS, 0)).intoArray(floats, sums + 7 * LANES);
  }

  /** Makes of what {@link #int4Sums} has the sums of words' lower and upper halves. */
  private static void separateInt4(int[] operand, int at, float[] floats, int sums) {
    FloatVector bits = FloatVector.fromArray(FLOATS, floats, sums);
    ShortVector more =
        (ShortVector)
            IntVector.broadcast(INTS, operand[at + 4 * WORDS]).reinterpretShape(SHORTS, 0);
    ShortVector halves = ((ShortVector) bits.reinterpretShape(SHORTS, 0)).add(more);
    IntVector even = (IntVector) halves.reinterpretShape(INTS, 0);
    bits = FloatVector.fromArray(FLOATS, floats, sums + LANES);
    more =
        (ShortVector)
            IntVector.broadcast(INTS, operand[at + 4 * WORDS + 1]).reinterpretShape(SHORTS, 0);
    halves = ((ShortVector) bits.reinterpretShape(SHORTS, 0)).add(more);
    IntVector odd = (IntVector) halves.reinterpretShape(INTS, 0);
    IntVector lower =
        even.lanewise(VectorOperators.LSHL, 16)
            .lanewise(VectorOperators.ASHR, 16)
            .add(odd.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16));
    IntVector upper =
        even.lanewise(VectorOperators.ASHR, 16).add(odd.lanewise(VectorOperators.ASHR, 16));
    ((FloatVector) lower.reinterpretShape(FLOATS, 0)).intoArray(floats, sums);
    ((FloatVector) upper.reinterpretShape(FLOATS, 0)).intoArray(floats, sums + LANES);
  }

  /** {@code totals += sums * (outputs' scales * the row's)}, of words' lower and upper halves. */
  private static void addSums(
      int[] words, int position, float scale, float[] floats, int sums, int total) {
    IntVector halves = IntVector.fromArray(INTS, words, position);
    // As scaleOf has it.
    IntVector moved =
        halves
            .lanewise(VectorOperators.LSHL, 16)
            .lanewise(VectorOperators.ASHR, 3)
            .lanewise(VectorOperators.AND, HALF);
    FloatVector scales = ((FloatVector) moved.reinterpretShape(FLOATS, 0)).mul(0x1p112f).mul(scale);
    FloatVector bits = FloatVector.fromArray(FLOATS, floats, sums);
    FloatVector sum =
        (FloatVector) bits.reinterpretShape(INTS, 0).convertShape(VectorOperators.I2F, FLOATS, 0);
    FloatVector.fromArray(FLOATS, floats, total).add(sum.mul(scales)).intoArray(floats, total);
    moved = halves.lanewise(VectorOperators.ASHR, 3).lanewise(VectorOperators.AND, HALF);
    scales = ((FloatVector) moved.reinterpretShape(FLOATS, 0)).mul(0x1p112f).mul(scale);
    bits = FloatVector.fromArray(FLOATS, floats, sums + LANES);
    sum = (FloatVector) bits.reinterpretShape(INTS, 0).convertShape(VectorOperators.I2F, FLOATS, 0);
    FloatVector.fromArray(FLOATS, floats, total + WORDS)
        .add(sum.mul(scales))
        .intoArray(floats, total + WORDS);
  }

  /** The finite halves in words' upper halves. */
  private static FloatVector scaleOf(IntVector words) {
    return words
        .lanewise(VectorOperators.ASHR, 3)
        .lanewise(VectorOperators.AND, HALF)
        .reinterpretAsFloats()
        .mul(0x1p112f);
  }

  /** {@link Kernels#unitToFloats}. */
  static void unitToFloats(CpuWeight weight, int position, float[] out, int to) {
    Quantization quantization = weight.quantization();
    int unit = weight.find(position, 0, 1);
    int[] words = weight.words();
    int columns = quantization.blockColumns();
    for (int word = 0; word < WORDS; word += LANES) {
      int p = unit + word;
      IntVector scales = IntVector.fromArray(INTS, words, p);
      int scale = to + columns * OUTPUTS + word;
      scaleOf(scales.lanewise(VectorOperators.LSHL, 16)).intoArray(out, scale);
      scaleOf(scales).intoArray(out, scale + WORDS);
      if (quantization == Quantization.INT8) {
        for (int column = 0; column < columns; column += WORDS) {
          int8ToFloats(words, p + WORDS, column / 2, out, to + column * OUTPUTS + word);
        }
      } else {
        for (int column = 0; column < columns; column += WORDS) {
          int4ToFloats(words, p + WORDS, column / 4, out, to + column * OUTPUTS + word);
        }
      }
    }
  }

  /** 16 columns, which begin at some bit of words' halves. */
  private static void int8ToFloats(int[] words, int position, int bit, float[] out, int to) {
    for (int i = 0; i < WORDS; i++) {
      IntVector w =
          IntVector.fromArray(INTS, words, position + i * WORDS)
              .lanewise(VectorOperators.LSHR, bit);
      floats(w, 0xff, 128).intoArray(out, to + i * OUTPUTS);
      floats(w.lanewise(VectorOperators.LSHR, 16), 0xff, 128)
          .intoArray(out, to + i * OUTPUTS + WORDS);
    }
  }

  /** As {@link #int8ToFloats}. */
  private static void int4ToFloats(int[] words, int position, int bit, float[] out, int to) {
    for (int i = 0; i < WORDS; i++) {
      IntVector w =
          IntVector.fromArray(INTS, words, position + i * WORDS)
              .lanewise(VectorOperators.LSHR, bit);
      floats(w, 15, 8).intoArray(out, to + i * OUTPUTS);
      floats(w.lanewise(VectorOperators.LSHR, 16), 15, 8).intoArray(out, to + i * OUTPUTS + WORDS);
    }
  }

  private static FloatVector floats(IntVector words, int mask, int offset) {
    return (FloatVector)
        words.lanewise(VectorOperators.AND, mask).sub(offset).convert(VectorOperators.I2F, 0);
  }

  /** {@link Kernels#addUnits}. */
  static void addUnits(
      float[] floats, int row, int scale, int panel, int columns, int units, int sums, int total) {
    for (int unit = 0; unit < units; unit++) {
      int x = row + unit * columns * ROWS;
      int w = panel + unit * (columns + 1) * OUTPUTS;
      for (int o = 0; o < OUTPUTS; o += 2 * LANES) {
        if (LANES == WORDS) {
          tile8x2(floats, x, w, columns, sums);
        } else {
          tile4x2(floats, x, w + o, columns, sums + o);
          tile4x2(floats, x + 4, w + o, columns, sums + 4 * OUTPUTS + o);
        }
      }
      addSums(floats, scale + unit * ROWS, w + columns * OUTPUTS, sums, total);
    }
  }

  private static void addSums(float[] floats, int scale, int scales, int sums, int total) {
    for (int row = 0; row < ROWS; row++) {
      float rowScale = floats[scale + row];
      for (int o = 0; o < OUTPUTS; o += LANES) {
        int at = row * OUTPUTS + o;
        FloatVector s = FloatVector.fromArray(FLOATS, floats, scales + o).mul(rowScale);
        FloatVector.fromArray(FLOATS, floats, total + at)
            .add(FloatVector.fromArray(FLOATS, floats, sums + at).mul(s))
            .intoArray(floats, total + at);
      }
    }
  }

  /** Sums of eight rows for two vectors of outputs, for AVX-512's 32 registers. */
  private static void tile8x2(float[] floats, int row, int panel, int columns, int sum) {
    FloatVector s00 = FloatVector.zero(FLOATS);
    FloatVector s01 = FloatVector.zero(FLOATS);
    FloatVector s10 = FloatVector.zero(FLOATS);
    FloatVector s11 = FloatVector.zero(FLOATS);
    FloatVector s20 = FloatVector.zero(FLOATS);
    FloatVector s21 = FloatVector.zero(FLOATS);
    FloatVector s30 = FloatVector.zero(FLOATS);
    FloatVector s31 = FloatVector.zero(FLOATS);
    FloatVector s40 = FloatVector.zero(FLOATS);
    FloatVector s41 = FloatVector.zero(FLOATS);
    FloatVector s50 = FloatVector.zero(FLOATS);
    FloatVector s51 = FloatVector.zero(FLOATS);
    FloatVector s60 = FloatVector.zero(FLOATS);
    FloatVector s61 = FloatVector.zero(FLOATS);
    FloatVector s70 = FloatVector.zero(FLOATS);
    FloatVector s71 = FloatVector.zero(FLOATS);
    for (int i = 0; i < columns; i++) {
      FloatVector w0 = FloatVector.fromArray(FLOATS, floats, panel + i * OUTPUTS);
      FloatVector w1 = FloatVector.fromArray(FLOATS, floats, panel + i * OUTPUTS + LANES);
      FloatVector x = FloatVector.broadcast(FLOATS, floats[row + i * ROWS]);
      s00 = x.fma(w0, s00);
      s01 = x.fma(w1, s01);
      x = FloatVector.broadcast(FLOATS, floats[row + i * ROWS + 1]);
      s10 = x.fma(w0, s10);
      s11 = x.fma(w1, s11);
      x = FloatVector.broadcast(FLOATS, floats[row + i * ROWS + 2]);
      s20 = x.fma(w0, s20);
      s21 = x.fma(w1, s21);
      x = FloatVector.broadcast(FLOATS, floats[row + i * ROWS + 3]);
      s30 = x.fma(w0, s30);
      s31 = x.fma(w1, s31);
      x = FloatVector.broadcast(FLOATS, floats[row + i * ROWS + 4]);
      s40 = x.fma(w0, s40);
      s41 = x.fma(w1, s41);
      x = FloatVector.broadcast(FLOATS, floats[row + i * ROWS + 5]);
      s50 = x.fma(w0, s50);
      s51 = x.fma(w1, s51);
      x = FloatVector.broadcast(FLOATS, floats[row + i * ROWS + 6]);
      s60 = x.fma(w0, s60);
      s61 = x.fma(w1, s61);
      x = FloatVector.broadcast(FLOATS, floats[row + i * ROWS + 7]);
      s70 = x.fma(w0, s70);
      s71 = x.fma(w1, s71);
    }
    s00.intoArray(floats, sum);
    s01.intoArray(floats, sum + LANES);
    s10.intoArray(floats, sum + OUTPUTS);
    s11.intoArray(floats, sum + OUTPUTS + LANES);
    s20.intoArray(floats, sum + 2 * OUTPUTS);
    s21.intoArray(floats, sum + 2 * OUTPUTS + LANES);
    s30.intoArray(floats, sum + 3 * OUTPUTS);
    s31.intoArray(floats, sum + 3 * OUTPUTS + LANES);
    s40.intoArray(floats, sum + 4 * OUTPUTS);
    s41.intoArray(floats, sum + 4 * OUTPUTS + LANES);
    s50.intoArray(floats, sum + 5 * OUTPUTS);
    s51.intoArray(floats, sum + 5 * OUTPUTS + LANES);
    s60.intoArray(floats, sum + 6 * OUTPUTS);
    s61.intoArray(floats, sum + 6 * OUTPUTS + LANES);
    s70.intoArray(floats, sum + 7 * OUTPUTS);
    s71.intoArray(floats, sum + 7 * OUTPUTS + LANES);
  }

  /** Sums of four of the rows for two vectors of outputs, for 16 registers. */
  private static void tile4x2(float[] floats, int row, int panel, int columns, int sum) {
    FloatVector s00 = FloatVector.zero(FLOATS);
    FloatVector s01 = FloatVector.zero(FLOATS);
    FloatVector s10 = FloatVector.zero(FLOATS);
    FloatVector s11 = FloatVector.zero(FLOATS);
    FloatVector s20 = FloatVector.zero(FLOATS);
    FloatVector s21 = FloatVector.zero(FLOATS);
    FloatVector s30 = FloatVector.zero(FLOATS);
    FloatVector s31 = FloatVector.zero(FLOATS);
    for (int i = 0; i < columns; i++) {
      FloatVector w0 = FloatVector.fromArray(FLOATS, floats, panel + i * OUTPUTS);
      FloatVector w1 = FloatVector.fromArray(FLOATS, floats, panel + i * OUTPUTS + LANES);
      FloatVector x = FloatVector.broadcast(FLOATS, floats[row + i * ROWS]);
      s00 = x.fma(w0, s00);
      s01 = x.fma(w1, s01);
      x = FloatVector.broadcast(FLOATS, floats[row + i * ROWS + 1]);
      s10 = x.fma(w0, s10);
      s11 = x.fma(w1, s11);
      x = FloatVector.broadcast(FLOATS, floats[row + i * ROWS + 2]);
      s20 = x.fma(w0, s20);
      s21 = x.fma(w1, s21);
      x = FloatVector.broadcast(FLOATS, floats[row + i * ROWS + 3]);
      s30 = x.fma(w0, s30);
      s31 = x.fma(w1, s31);
    }
    s00.intoArray(floats, sum);
    s01.intoArray(floats, sum + LANES);
    s10.intoArray(floats, sum + OUTPUTS);
    s11.intoArray(floats, sum + OUTPUTS + LANES);
    s20.intoArray(floats, sum + 2 * OUTPUTS);
    s21.intoArray(floats, sum + 2 * OUTPUTS + LANES);
    s30.intoArray(floats, sum + 3 * OUTPUTS);
    s31.intoArray(floats, sum + 3 * OUTPUTS + LANES);
  }
}
