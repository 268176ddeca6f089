package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Floats;
import dev.lowpass.kernels.Quantization;
import java.util.ArrayList;
import java.util.List;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The inner loops with the Vector API, in the processor's preferred width. Products are fused
 * multiply-adds throughout.
 *
 * <p>Sums across lanes go through memory and scalar code, because the API leaves the order of its
 * own reductions open, and compiled and interpreted code need not agree on it.
 */
final class VectorKernels implements Kernels {
  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = FLOATS.length();

  /**
   * AVX-512 has 32 registers, enough for 6 x 4 sums and their operands. Of 16 registers, ten sums
   * hide the latency of a multiply-add and leave six for operands: with twelve, C2 spills.
   */
  private static final boolean WIDE = LANES == 16;

  /** What e^-x is 0 of; n is then -126. */
  private static final float LEAST = 87;

  private static final int LEAST_BITS = Float.floatToRawIntBits(LEAST);

  /** What e^x is infinite of; n is then 128. */
  private static final float MOST = 89;

  private static final int MOST_BITS = Float.floatToRawIntBits(MOST);

  private static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;

  /** As many halves as there are lanes. */
  private static final VectorSpecies<Short> HALVES =
      VectorSpecies.of(short.class, VectorShape.forBitSize(LANES * Short.SIZE));

  /** As many bytes as there are lanes; null where no vector is as short. */
  private static final VectorSpecies<Byte> BYTES =
      LANES * Byte.SIZE < 64
          ? null
          : VectorSpecies.of(byte.class, VectorShape.forBitSize(LANES * Byte.SIZE));

  private static final Kernels PLAIN = new PlainKernels();

  /** The lanes whose number has bit 0, 1, 2 ... set. */
  private static final List<VectorMask<Float>> ODD = new ArrayList<>();

  /** Exchanges the lanes whose numbers differ in bit 0, 1, 2 ... */
  private static final List<VectorShuffle<Float>> SWAP = new ArrayList<>();

  static {
    for (int i = 1; i < LANES; i *= 2) {
      int bit = i;
      boolean[] odd = new boolean[LANES];
      for (int lane = 0; lane < LANES; lane++) {
        odd[lane] = (lane & bit) != 0;
      }
      ODD.add(VectorMask.fromArray(FLOATS, odd, 0));
      SWAP.add(VectorShuffle.fromOp(FLOATS, lane -> lane ^ bit));
    }
  }

  @Override
  public String description() {
    return "Vector API, " + FLOATS.vectorBitSize() + " bits";
  }

  @Override
  public boolean readsArrays() {
    return true;
  }

  @Override
  public int lanes() {
    return LANES;
  }

  @Override
  public int tileRows() {
    return WIDE ? 6 : 5;
  }

  @Override
  public int tileOutputs() {
    return WIDE ? 4 : 2;
  }

  @Override
  public int group(CpuWeight weight) {
    return VectorWeights.group(weight.type());
  }

  @Override
  public void arrange(CpuWeight weight, float[] in, int from, int count, float[] out, int to) {
    VectorWeights.arrange(weight.type(), in, from, count, out, to);
  }

  @Override
  public void toFloats(
      CpuWeight weight, int output, int begin, int count, float[] out, int offset) {
    DType type = weight.type();
    int position = output * weight.stride() + begin * type.bytes();
    VectorWeights.toFloats(type, weight.data(), position, count, out, offset);
  }

  @Override
  public void tile(
      float[] floats, int row, int rows, int output, int depth, int from, int sum, int stride) {
    if (WIDE && rows <= 4) {
      tile4x4(floats, row, output, depth, from, sum, stride);
    } else if (WIDE) {
      tile6x4(floats, row, output, depth, from, sum, stride);
    } else {
      tile5x2(floats, row, output, depth, from, sum, stride);
    }
  }

  private static void tile6x4(
      float[] floats, int row, int output, int depth, int from, int sum, int stride) {
    FloatVector s00 = FloatVector.fromArray(FLOATS, floats, from);
    FloatVector s01 = FloatVector.fromArray(FLOATS, floats, from + LANES);
    FloatVector s02 = FloatVector.fromArray(FLOATS, floats, from + 2 * LANES);
    FloatVector s03 = FloatVector.fromArray(FLOATS, floats, from + 3 * LANES);
    FloatVector s10 = FloatVector.fromArray(FLOATS, floats, from + stride);
    FloatVector s11 = FloatVector.fromArray(FLOATS, floats, from + stride + LANES);
    FloatVector s12 = FloatVector.fromArray(FLOATS, floats, from + stride + 2 * LANES);
    FloatVector s13 = FloatVector.fromArray(FLOATS, floats, from + stride + 3 * LANES);
    FloatVector s20 = FloatVector.fromArray(FLOATS, floats, from + 2 * stride);
    FloatVector s21 = FloatVector.fromArray(FLOATS, floats, from + 2 * stride + LANES);
    FloatVector s22 = FloatVector.fromArray(FLOATS, floats, from + 2 * stride + 2 * LANES);
    FloatVector s23 = FloatVector.fromArray(FLOATS, floats, from + 2 * stride + 3 * LANES);
    FloatVector s30 = FloatVector.fromArray(FLOATS, floats, from + 3 * stride);
    FloatVector s31 = FloatVector.fromArray(FLOATS, floats, from + 3 * stride + LANES);
    FloatVector s32 = FloatVector.fromArray(FLOATS, floats, from + 3 * stride + 2 * LANES);
    FloatVector s33 = FloatVector.fromArray(FLOATS, floats, from + 3 * stride + 3 * LANES);
    FloatVector s40 = FloatVector.fromArray(FLOATS, floats, from + 4 * stride);
    FloatVector s41 = FloatVector.fromArray(FLOATS, floats, from + 4 * stride + LANES);
    FloatVector s42 = FloatVector.fromArray(FLOATS, floats, from + 4 * stride + 2 * LANES);
    FloatVector s43 = FloatVector.fromArray(FLOATS, floats, from + 4 * stride + 3 * LANES);
    FloatVector s50 = FloatVector.fromArray(FLOATS, floats, from + 5 * stride);
    FloatVector s51 = FloatVector.fromArray(FLOATS, floats, from + 5 * stride + LANES);
    FloatVector s52 = FloatVector.fromArray(FLOATS, floats, from + 5 * stride + 2 * LANES);
    FloatVector s53 = FloatVector.fromArray(FLOATS, floats, from + 5 * stride + 3 * LANES);
    for (int i = 0; i < depth; i += LANES) {
      FloatVector w0 = FloatVector.fromArray(FLOATS, floats, output + i);
      FloatVector w1 = FloatVector.fromArray(FLOATS, floats, output + i + DEPTH);
      FloatVector w2 = FloatVector.fromArray(FLOATS, floats, output + i + 2 * DEPTH);
      FloatVector w3 = FloatVector.fromArray(FLOATS, floats, output + i + 3 * DEPTH);
      FloatVector x = FloatVector.fromArray(FLOATS, floats, row + i);
      s00 = x.fma(w0, s00);
      s01 = x.fma(w1, s01);
      s02 = x.fma(w2, s02);
      s03 = x.fma(w3, s03);
      x = FloatVector.fromArray(FLOATS, floats, row + i + DEPTH);
      s10 = x.fma(w0, s10);
      s11 = x.fma(w1, s11);
      s12 = x.fma(w2, s12);
      s13 = x.fma(w3, s13);
      x = FloatVector.fromArray(FLOATS, floats, row + i + 2 * DEPTH);
      s20 = x.fma(w0, s20);
      s21 = x.fma(w1, s21);
      s22 = x.fma(w2, s22);
      s23 = x.fma(w3, s23);
      x = FloatVector.fromArray(FLOATS, floats, row + i + 3 * DEPTH);
      s30 = x.fma(w0, s30);
      s31 = x.fma(w1, s31);
      s32 = x.fma(w2, s32);
      s33 = x.fma(w3, s33);
      x = FloatVector.fromArray(FLOATS, floats, row + i + 4 * DEPTH);
      s40 = x.fma(w0, s40);
      s41 = x.fma(w1, s41);
      s42 = x.fma(w2, s42);
      s43 = x.fma(w3, s43);
      x = FloatVector.fromArray(FLOATS, floats, row + i + 5 * DEPTH);
      s50 = x.fma(w0, s50);
      s51 = x.fma(w1, s51);
      s52 = x.fma(w2, s52);
      s53 = x.fma(w3, s53);
    }
    s00.intoArray(floats, sum);
    s01.intoArray(floats, sum + LANES);
    s02.intoArray(floats, sum + 2 * LANES);
    s03.intoArray(floats, sum + 3 * LANES);
    s10.intoArray(floats, sum + stride);
    s11.intoArray(floats, sum + stride + LANES);
    s12.intoArray(floats, sum + stride + 2 * LANES);
    s13.intoArray(floats, sum + stride + 3 * LANES);
    s20.intoArray(floats, sum + 2 * stride);
    s21.intoArray(floats, sum + 2 * stride + LANES);
    s22.intoArray(floats, sum + 2 * stride + 2 * LANES);
    s23.intoArray(floats, sum + 2 * stride + 3 * LANES);
    s30.intoArray(floats, sum + 3 * stride);
    s31.intoArray(floats, sum + 3 * stride + LANES);
    s32.intoArray(floats, sum + 3 * stride + 2 * LANES);
    s33.intoArray(floats, sum + 3 * stride + 3 * LANES);
    s40.intoArray(floats, sum + 4 * stride);
    s41.intoArray(floats, sum + 4 * stride + LANES);
    s42.intoArray(floats, sum + 4 * stride + 2 * LANES);
    s43.intoArray(floats, sum + 4 * stride + 3 * LANES);
    s50.intoArray(floats, sum + 5 * stride);
    s51.intoArray(floats, sum + 5 * stride + LANES);
    s52.intoArray(floats, sum + 5 * stride + 2 * LANES);
    s53.intoArray(floats, sum + 5 * stride + 3 * LANES);
  }

  /** What remains of a batch of, say, 16 rows after tiles of six. */
  private static void tile4x4(
      float[] floats, int row, int output, int depth, int from, int sum, int stride) {
    FloatVector s00 = FloatVector.fromArray(FLOATS, floats, from);
    FloatVector s01 = FloatVector.fromArray(FLOATS, floats, from + LANES);
    FloatVector s02 = FloatVector.fromArray(FLOATS, floats, from + 2 * LANES);
    FloatVector s03 = FloatVector.fromArray(FLOATS, floats, from + 3 * LANES);
    FloatVector s10 = FloatVector.fromArray(FLOATS, floats, from + stride);
    FloatVector s11 = FloatVector.fromArray(FLOATS, floats, from + stride + LANES);
    FloatVector s12 = FloatVector.fromArray(FLOATS, floats, from + stride + 2 * LANES);
    FloatVector s13 = FloatVector.fromArray(FLOATS, floats, from + stride + 3 * LANES);
    FloatVector s20 = FloatVector.fromArray(FLOATS, floats, from + 2 * stride);
    FloatVector s21 = FloatVector.fromArray(FLOATS, floats, from + 2 * stride + LANES);
    FloatVector s22 = FloatVector.fromArray(FLOATS, floats, from + 2 * stride + 2 * LANES);
    FloatVector s23 = FloatVector.fromArray(FLOATS, floats, from + 2 * stride + 3 * LANES);
    FloatVector s30 = FloatVector.fromArray(FLOATS, floats, from + 3 * stride);
    FloatVector s31 = FloatVector.fromArray(FLOATS, floats, from + 3 * stride + LANES);
    FloatVector s32 = FloatVector.fromArray(FLOATS, floats, from + 3 * stride + 2 * LANES);
    FloatVector s33 = FloatVector.fromArray(FLOATS, floats, from + 3 * stride + 3 * LANES);
    for (int i = 0; i < depth; i += LANES) {
      FloatVector w0 = FloatVector.fromArray(FLOATS, floats, output + i);
      FloatVector w1 = FloatVector.fromArray(FLOATS, floats, output + i + DEPTH);
      FloatVector w2 = FloatVector.fromArray(FLOATS, floats, output + i + 2 * DEPTH);
      FloatVector w3 = FloatVector.fromArray(FLOATS, floats, output + i + 3 * DEPTH);
      FloatVector x = FloatVector.fromArray(FLOATS, floats, row + i);
      s00 = x.fma(w0, s00);
      s01 = x.fma(w1, s01);
      s02 = x.fma(w2, s02);
      s03 = x.fma(w3, s03);
      x = FloatVector.fromArray(FLOATS, floats, row + i + DEPTH);
      s10 = x.fma(w0, s10);
      s11 = x.fma(w1, s11);
      s12 = x.fma(w2, s12);
      s13 = x.fma(w3, s13);
      x = FloatVector.fromArray(FLOATS, floats, row + i + 2 * DEPTH);
      s20 = x.fma(w0, s20);
      s21 = x.fma(w1, s21);
      s22 = x.fma(w2, s22);
      s23 = x.fma(w3, s23);
      x = FloatVector.fromArray(FLOATS, floats, row + i + 3 * DEPTH);
      s30 = x.fma(w0, s30);
      s31 = x.fma(w1, s31);
      s32 = x.fma(w2, s32);
      s33 = x.fma(w3, s33);
    }
    s00.intoArray(floats, sum);
    s01.intoArray(floats, sum + LANES);
    s02.intoArray(floats, sum + 2 * LANES);
    s03.intoArray(floats, sum + 3 * LANES);
    s10.intoArray(floats, sum + stride);
    s11.intoArray(floats, sum + stride + LANES);
    s12.intoArray(floats, sum + stride + 2 * LANES);
    s13.intoArray(floats, sum + stride + 3 * LANES);
    s20.intoArray(floats, sum + 2 * stride);
    s21.intoArray(floats, sum + 2 * stride + LANES);
    s22.intoArray(floats, sum + 2 * stride + 2 * LANES);
    s23.intoArray(floats, sum + 2 * stride + 3 * LANES);
    s30.intoArray(floats, sum + 3 * stride);
    s31.intoArray(floats, sum + 3 * stride + LANES);
    s32.intoArray(floats, sum + 3 * stride + 2 * LANES);
    s33.intoArray(floats, sum + 3 * stride + 3 * LANES);
  }

  private static void tile5x2(
      float[] floats, int row, int output, int depth, int from, int sum, int stride) {
    FloatVector s00 = FloatVector.fromArray(FLOATS, floats, from);
    FloatVector s01 = FloatVector.fromArray(FLOATS, floats, from + LANES);
    FloatVector s10 = FloatVector.fromArray(FLOATS, floats, from + stride);
    FloatVector s11 = FloatVector.fromArray(FLOATS, floats, from + stride + LANES);
    FloatVector s20 = FloatVector.fromArray(FLOATS, floats, from + 2 * stride);
    FloatVector s21 = FloatVector.fromArray(FLOATS, floats, from + 2 * stride + LANES);
    FloatVector s30 = FloatVector.fromArray(FLOATS, floats, from + 3 * stride);
    FloatVector s31 = FloatVector.fromArray(FLOATS, floats, from + 3 * stride + LANES);
    FloatVector s40 = FloatVector.fromArray(FLOATS, floats, from + 4 * stride);
    FloatVector s41 = FloatVector.fromArray(FLOATS, floats, from + 4 * stride + LANES);
    for (int i = 0; i < depth; i += LANES) {
      FloatVector w0 = FloatVector.fromArray(FLOATS, floats, output + i);
      FloatVector w1 = FloatVector.fromArray(FLOATS, floats, output + i + DEPTH);
      FloatVector x = FloatVector.fromArray(FLOATS, floats, row + i);
      s00 = x.fma(w0, s00);
      s01 = x.fma(w1, s01);
      x = FloatVector.fromArray(FLOATS, floats, row + i + DEPTH);
      s10 = x.fma(w0, s10);
      s11 = x.fma(w1, s11);
      x = FloatVector.fromArray(FLOATS, floats, row + i + 2 * DEPTH);
      s20 = x.fma(w0, s20);
      s21 = x.fma(w1, s21);
      x = FloatVector.fromArray(FLOATS, floats, row + i + 3 * DEPTH);
      s30 = x.fma(w0, s30);
      s31 = x.fma(w1, s31);
      x = FloatVector.fromArray(FLOATS, floats, row + i + 4 * DEPTH);
      s40 = x.fma(w0, s40);
      s41 = x.fma(w1, s41);
    }
    s00.intoArray(floats, sum);
    s01.intoArray(floats, sum + LANES);
    s10.intoArray(floats, sum + stride);
    s11.intoArray(floats, sum + stride + LANES);
    s20.intoArray(floats, sum + 2 * stride);
    s21.intoArray(floats, sum + 2 * stride + LANES);
    s30.intoArray(floats, sum + 3 * stride);
    s31.intoArray(floats, sum + 3 * stride + LANES);
    s40.intoArray(floats, sum + 4 * stride);
    s41.intoArray(floats, sum + 4 * stride + LANES);
  }

  @Override
  public void dots(CpuWeight weight, int output, int step, float[] row, int offset, float[] sums) {
    VectorWeights.dots(weight, output, step, row, offset, sums);
  }

  @Override
  public float round(float[] in, int from, int count, float[] out, int to) {
    return VectorBlocks.round(in, from, count, out, to);
  }

  @Override
  public void operand(Quantization quantization, float[] multiples, int[] out, int to) {
    VectorBlocks.operand(quantization, multiples, out, to);
  }

  @Override
  public void addUnit(
      CpuWeight weight,
      int position,
      int[] operand,
      int at,
      float scale,
      float[] floats,
      int sums,
      int total) {
    VectorBlocks.addUnit(weight, position, operand, at, scale, floats, sums, total);
  }

  @Override
  public void addUnitOfEach(
      CpuWeight weight,
      int position,
      int step,
      int[] operand,
      int at,
      float scale,
      float[] floats,
      int sums,
      int total) {
    VectorBlocks.addUnitOfEach(weight, position, step, operand, at, scale, floats, sums, total);
  }

  @Override
  public void unitToFloats(CpuWeight weight, int position, float[] out, int to) {
    VectorBlocks.unitToFloats(weight, position, out, to);
  }

  @Override
  public void addUnits(
      float[] floats, int row, int scale, int panel, int columns, int units, int sums, int total) {
    VectorBlocks.addUnits(floats, row, scale, panel, columns, units, sums, total);
  }

  @Override
  public float sum(float[] sums, int offset) {
    return lanesSum(sums, offset);
  }

  /** Adds up neighbours, then neighbouring sums, and so on. */
  private static float lanesSum(float[] sums, int offset) {
    return switch (LANES) {
      case 16 -> sumOf8(sums, offset) + sumOf8(sums, offset + 8);
      case 8 -> sumOf8(sums, offset);
      case 4 -> sumOf4(sums, offset);
      default -> sums[offset] + sums[offset + 1];
    };
  }

  /** The same of a vector in a register. */
  private static float lanesSum(FloatVector lanes) {
    FloatVector sums = lanes;
    for (int bit = 0; bit < SWAP.size(); bit++) {
      sums = sums.add(sums.rearrange(SWAP.get(bit)));
    }
    return sums.lane(0);
  }

  private static float sumOf8(float[] sums, int offset) {
    return sumOf4(sums, offset) + sumOf4(sums, offset + 4);
  }

  private static float sumOf4(float[] sums, int offset) {
    return (sums[offset] + sums[offset + 1]) + (sums[offset + 2] + sums[offset + 3]);
  }

  @Override
  public void sums(float[] sums, int offset, int count) {
    int vectors = count;
    int bit = 0;
    for (; bit + 1 < ODD.size(); bit += 2) {
      vectors = Sizes.ceilDiv(vectors, 4);
      addFours(sums, offset, vectors, bit);
    }
    if (bit < ODD.size()) {
      addPairs(sums, offset, Sizes.ceilDiv(vectors, 2), bit);
    }
  }

  /** Replaces every two vectors by one. */
  private static void addPairs(float[] sums, int offset, int pairs, int bit) {
    VectorMask<Float> odd = ODD.get(bit);
    VectorShuffle<Float> swap = SWAP.get(bit);
    for (int i = 0; i < pairs; i++) {
      int from = offset + 2 * i * LANES;
      FloatVector first = FloatVector.fromArray(FLOATS, sums, from);
      FloatVector second = FloatVector.fromArray(FLOATS, sums, from + LANES);
      addNeighbours(first, second, odd, swap).intoArray(sums, offset + i * LANES);
    }
  }

  /** Replaces every four vectors by one: two steps that need not go through memory. */
  private static void addFours(float[] sums, int offset, int fours, int bit) {
    VectorMask<Float> odd = ODD.get(bit);
    VectorShuffle<Float> swap = SWAP.get(bit);
    VectorMask<Float> nextOdd = ODD.get(bit + 1);
    VectorShuffle<Float> nextSwap = SWAP.get(bit + 1);
    for (int i = 0; i < fours; i++) {
      int from = offset + 4 * i * LANES;
      FloatVector v0 = FloatVector.fromArray(FLOATS, sums, from);
      FloatVector v1 = FloatVector.fromArray(FLOATS, sums, from + LANES);
      FloatVector v2 = FloatVector.fromArray(FLOATS, sums, from + 2 * LANES);
      FloatVector v3 = FloatVector.fromArray(FLOATS, sums, from + 3 * LANES);
      FloatVector first = addNeighbours(v0, v1, odd, swap);
      FloatVector second = addNeighbours(v2, v3, odd, swap);
      addNeighbours(first, second, nextOdd, nextSwap).intoArray(sums, offset + i * LANES);
    }
  }

  /** The first vector's sums of neighbours in the even lanes, the second one's in the odd ones. */
  private static FloatVector addNeighbours(
      FloatVector first, FloatVector second, VectorMask<Float> odd, VectorShuffle<Float> swap) {
    return first.blend(second, odd).add(second.blend(first, odd).rearrange(swap));
  }

  @Override
  public void scores(
      float[] queries, int query, float[] keys, int key, int headDim, float[] scores, int score) {
    if (WIDE) {
      scoresOfFour(queries, query, keys, key, headDim, scores, score);
      return;
    }
    for (int j = 0; j < BLOCK; j += 2 * LANES) {
      scoresOfTwo(queries, query, keys, key + j, headDim, scores, score + j);
    }
  }

  /** Four queries' scores for four vectors of entries: a block of AVX-512's. */
  private static void scoresOfFour(
      float[] queries, int query, float[] keys, int key, int headDim, float[] scores, int score) {
    FloatVector s00 = FloatVector.zero(FLOATS);
    FloatVector s01 = FloatVector.zero(FLOATS);
    FloatVector s02 = FloatVector.zero(FLOATS);
    FloatVector s03 = FloatVector.zero(FLOATS);
    FloatVector s10 = FloatVector.zero(FLOATS);
    FloatVector s11 = FloatVector.zero(FLOATS);
    FloatVector s12 = FloatVector.zero(FLOATS);
    FloatVector s13 = FloatVector.zero(FLOATS);
    FloatVector s20 = FloatVector.zero(FLOATS);
    FloatVector s21 = FloatVector.zero(FLOATS);
    FloatVector s22 = FloatVector.zero(FLOATS);
    FloatVector s23 = FloatVector.zero(FLOATS);
    FloatVector s30 = FloatVector.zero(FLOATS);
    FloatVector s31 = FloatVector.zero(FLOATS);
    FloatVector s32 = FloatVector.zero(FLOATS);
    FloatVector s33 = FloatVector.zero(FLOATS);
    for (int d = 0; d < headDim; d++) {
      int k = key + d * BLOCK;
      FloatVector k0 = FloatVector.fromArray(FLOATS, keys, k);
      FloatVector k1 = FloatVector.fromArray(FLOATS, keys, k + LANES);
      FloatVector k2 = FloatVector.fromArray(FLOATS, keys, k + 2 * LANES);
      FloatVector k3 = FloatVector.fromArray(FLOATS, keys, k + 3 * LANES);
      FloatVector q = broadcast(queries[query + d]);
      s00 = q.fma(k0, s00);
      s01 = q.fma(k1, s01);
      s02 = q.fma(k2, s02);
      s03 = q.fma(k3, s03);
      q = broadcast(queries[query + headDim + d]);
      s10 = q.fma(k0, s10);
      s11 = q.fma(k1, s11);
      s12 = q.fma(k2, s12);
      s13 = q.fma(k3, s13);
      q = broadcast(queries[query + 2 * headDim + d]);
      s20 = q.fma(k0, s20);
      s21 = q.fma(k1, s21);
      s22 = q.fma(k2, s22);
      s23 = q.fma(k3, s23);
      q = broadcast(queries[query + 3 * headDim + d]);
      s30 = q.fma(k0, s30);
      s31 = q.fma(k1, s31);
      s32 = q.fma(k2, s32);
      s33 = q.fma(k3, s33);
    }
    s00.intoArray(scores, score);
    s01.intoArray(scores, score + LANES);
    s02.intoArray(scores, score + 2 * LANES);
    s03.intoArray(scores, score + 3 * LANES);
    s10.intoArray(scores, score + BLOCK);
    s11.intoArray(scores, score + BLOCK + LANES);
    s12.intoArray(scores, score + BLOCK + 2 * LANES);
    s13.intoArray(scores, score + BLOCK + 3 * LANES);
    s20.intoArray(scores, score + 2 * BLOCK);
    s21.intoArray(scores, score + 2 * BLOCK + LANES);
    s22.intoArray(scores, score + 2 * BLOCK + 2 * LANES);
    s23.intoArray(scores, score + 2 * BLOCK + 3 * LANES);
    s30.intoArray(scores, score + 3 * BLOCK);
    s31.intoArray(scores, score + 3 * BLOCK + LANES);
    s32.intoArray(scores, score + 3 * BLOCK + 2 * LANES);
    s33.intoArray(scores, score + 3 * BLOCK + 3 * LANES);
  }

  /** Four queries' scores for two vectors of entries. */
  private static void scoresOfTwo(
      float[] queries, int query, float[] keys, int key, int headDim, float[] scores, int score) {
    FloatVector s00 = FloatVector.zero(FLOATS);
    FloatVector s01 = FloatVector.zero(FLOATS);
    FloatVector s10 = FloatVector.zero(FLOATS);
    FloatVector s11 = FloatVector.zero(FLOATS);
    FloatVector s20 = FloatVector.zero(FLOATS);
    FloatVector s21 = FloatVector.zero(FLOATS);
    FloatVector s30 = FloatVector.zero(FLOATS);
    FloatVector s31 = FloatVector.zero(FLOATS);
    for (int d = 0; d < headDim; d++) {
      int k = key + d * BLOCK;
      FloatVector k0 = FloatVector.fromArray(FLOATS, keys, k);
      FloatVector k1 = FloatVector.fromArray(FLOATS, keys, k + LANES);
      FloatVector q = FloatVector.broadcast(FLOATS, queries[query + d]);
      s00 = q.fma(k0, s00);
      s01 = q.fma(k1, s01);
      q = FloatVector.broadcast(FLOATS, queries[query + headDim + d]);
      s10 = q.fma(k0, s10);
      s11 = q.fma(k1, s11);
      q = FloatVector.broadcast(FLOATS, queries[query + 2 * headDim + d]);
      s20 = q.fma(k0, s20);
      s21 = q.fma(k1, s21);
      q = FloatVector.broadcast(FLOATS, queries[query + 3 * headDim + d]);
      s30 = q.fma(k0, s30);
      s31 = q.fma(k1, s31);
    }
    s00.intoArray(scores, score);
    s01.intoArray(scores, score + LANES);
    s10.intoArray(scores, score + BLOCK);
    s11.intoArray(scores, score + BLOCK + LANES);
    s20.intoArray(scores, score + 2 * BLOCK);
    s21.intoArray(scores, score + 2 * BLOCK + LANES);
    s30.intoArray(scores, score + 3 * BLOCK);
    s31.intoArray(scores, score + 3 * BLOCK + LANES);
  }

  @Override
  public float max(float[] in, int offset, int count) {
    FloatVector most = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < count; i += LANES) {
      most = most.max(FloatVector.fromArray(FLOATS, in, offset + i));
    }
    // The order does not matter here: a maximum is exact.
    return most.reduceLanes(VectorOperators.MAX);
  }

  @Override
  public float highest(float[] scores, int offset) {
    // As integers: a maximum of floats, with NaN and zeros of two signs, is many instructions.
    IntVector most = IntVector.broadcast(INTS, Integer.MIN_VALUE);
    for (int j = offset; j < offset + BLOCK; j += LANES) {
      IntVector bits = FloatVector.fromArray(FLOATS, scores, j).reinterpretAsInts();
      IntVector negative = bits.lanewise(VectorOperators.ASHR, 31);
      IntVector turned = negative.lanewise(VectorOperators.LSHR, 1);
      most = most.max(bits.lanewise(VectorOperators.XOR, turned));
    }
    int key = most.reduceLanes(VectorOperators.MAX);
    return Float.intBitsToFloat(key ^ key >> 31 >>> 1);
  }

  @Override
  public void exp(float[] scores, int offset, float max, float[] sums, int sum) {
    FloatVector all = FloatVector.fromArray(FLOATS, sums, sum);
    for (int j = offset; j < offset + BLOCK; j += LANES) {
      FloatVector below = broadcast(max).sub(FloatVector.fromArray(FLOATS, scores, j));
      // What is not negative is in the order of its bits, and integers' minimum is one instruction.
      IntVector bits = below.reinterpretAsInts().min(LEAST_BITS);
      FloatVector weights = boundedExp(bits.reinterpretAsFloats().neg());
      weights.intoArray(scores, j);
      all = all.add(weights);
    }
    all.intoArray(sums, sum);
  }

  /** e^x within 2 ulp; 0 below x = -86.99, infinity above 88.72. */
  private static FloatVector exp(FloatVector x) {
    // Positive numbers are in the order of their bits, negative ones in that of the bits' turned
    // around; the minimum of integers is one instruction, that of floats many.
    IntVector bits = x.reinterpretAsInts().min(MOST_BITS);
    IntVector turned = bits.lanewise(VectorOperators.XOR, Integer.MIN_VALUE).min(LEAST_BITS);
    return boundedExp(
        turned.lanewise(VectorOperators.XOR, Integer.MIN_VALUE).reinterpretAsFloats());
  }

  /**
   * e^x within 2 ulp, for x from -{@value #LEAST} to {@value #MOST}; 0 where it nears the
   * subnormals, below -86.99, and infinity above 88.72.
   *
   * <p>x = n ln 2 + r with |r| <= ln 2 / 2, so e^x = 2^n e^r. Adding 1.5 * 2^23 rounds to an
   * integer and leaves it in the low bits, where it is shifted into an exponent.
   */
  private static FloatVector boundedExp(FloatVector x) {
    FloatVector shifted = FloatVector.broadcast(FLOATS, 0x1.715476p0f).fma(x, broadcast(0x1.8p23f));
    FloatVector n = shifted.sub(0x1.8p23f);
    // ln 2 in two parts, the first of few enough bits for n times it to be exact.
    FloatVector r = n.fma(broadcast(-0x1.62e400p-1f), x);
    r = n.fma(broadcast(-0x1.7f7d1cp-20f), r);
    // The Taylor series to r^7 / 7!: what is left out is below 2^-27 of the result.
    FloatVector p = broadcast(1f / 5040);
    p = p.fma(r, broadcast(1f / 720));
    p = p.fma(r, broadcast(1f / 120));
    p = p.fma(r, broadcast(1f / 24));
    p = p.fma(r, broadcast(1f / 6));
    p = p.fma(r, broadcast(0.5f));
    p = p.fma(r, broadcast(1));
    p = p.fma(r, broadcast(1));
    // 2^(n - 1), and once more 2: n reaches 128 before the result overflows. At n = -126 it is 0.
    FloatVector power =
        shifted
            .reinterpretAsInts()
            .add(126)
            .lanewise(VectorOperators.LSHL, 23)
            .reinterpretAsFloats();
    return p.add(p).mul(power);
  }

  private static FloatVector broadcast(float value) {
    return FloatVector.broadcast(FLOATS, value);
  }

  @Override
  public void weigh(
      float[] weights,
      int weight,
      float[] values,
      int value,
      int entries,
      int width,
      float[] out,
      int offset) {
    for (int d = 0; d < width; d += LANES) {
      weighOne(weights, weight, values, value + d, entries, width, out, offset + d);
    }
  }

  private static void weighOne(
      float[] weights,
      int weight,
      float[] values,
      int value,
      int entries,
      int width,
      float[] out,
      int offset) {
    FloatVector sum = FloatVector.fromArray(FLOATS, out, offset);
    for (int j = 0; j < entries; j++) {
      FloatVector v = FloatVector.fromArray(FLOATS, values, value + j * width);
      sum = v.fma(broadcast(weights[weight + j]), sum);
    }
    sum.intoArray(out, offset);
  }

  @Override
  public void weighQueries(
      float[] weights,
      int weight,
      float[] values,
      int value,
      int entries,
      int width,
      float[] out,
      int offset) {
    int d = 0;
    for (; WIDE && d + 4 * LANES <= width; d += 4 * LANES) {
      weighFour(weights, weight, values, value + d, entries, width, out, offset + d);
    }
    for (; d + 2 * LANES <= width; d += 2 * LANES) {
      weighTwo(weights, weight, values, value + d, entries, width, out, offset + d);
    }
    if (d < width) {
      for (int q = 0; q < QUERIES; q++) {
        weighOne(
            weights,
            weight + q * BLOCK,
            values,
            value + d,
            entries,
            width,
            out,
            offset + q * width + d);
      }
    }
  }

  /** Four queries' sums of four vectors of channels. */
  private static void weighFour(
      float[] weights,
      int weight,
      float[] values,
      int value,
      int entries,
      int width,
      float[] out,
      int offset) {
    FloatVector s00 = FloatVector.fromArray(FLOATS, out, offset);
    FloatVector s01 = FloatVector.fromArray(FLOATS, out, offset + LANES);
    FloatVector s02 = FloatVector.fromArray(FLOATS, out, offset + 2 * LANES);
    FloatVector s03 = FloatVector.fromArray(FLOATS, out, offset + 3 * LANES);
    FloatVector s10 = FloatVector.fromArray(FLOATS, out, offset + width);
    FloatVector s11 = FloatVector.fromArray(FLOATS, out, offset + width + LANES);
    FloatVector s12 = FloatVector.fromArray(FLOATS, out, offset + width + 2 * LANES);
    FloatVector s13 = FloatVector.fromArray(FLOATS, out, offset + width + 3 * LANES);
    FloatVector s20 = FloatVector.fromArray(FLOATS, out, offset + 2 * width);
    FloatVector s21 = FloatVector.fromArray(FLOATS, out, offset + 2 * width + LANES);
    FloatVector s22 = FloatVector.fromArray(FLOATS, out, offset + 2 * width + 2 * LANES);
    FloatVector s23 = FloatVector.fromArray(FLOATS, out, offset + 2 * width + 3 * LANES);
    FloatVector s30 = FloatVector.fromArray(FLOATS, out, offset + 3 * width);
    FloatVector s31 = FloatVector.fromArray(FLOATS, out, offset + 3 * width + LANES);
    FloatVector s32 = FloatVector.fromArray(FLOATS, out, offset + 3 * width + 2 * LANES);
    FloatVector s33 = FloatVector.fromArray(FLOATS, out, offset + 3 * width + 3 * LANES);
    for (int j = 0; j < entries; j++) {
      int v = value + j * width;
      FloatVector v0 = FloatVector.fromArray(FLOATS, values, v);
      FloatVector v1 = FloatVector.fromArray(FLOATS, values, v + LANES);
      FloatVector v2 = FloatVector.fromArray(FLOATS, values, v + 2 * LANES);
      FloatVector v3 = FloatVector.fromArray(FLOATS, values, v + 3 * LANES);
      FloatVector w = broadcast(weights[weight + j]);
      s00 = v0.fma(w, s00);
      s01 = v1.fma(w, s01);
      s02 = v2.fma(w, s02);
      s03 = v3.fma(w, s03);
      w = broadcast(weights[weight + BLOCK + j]);
      s10 = v0.fma(w, s10);
      s11 = v1.fma(w, s11);
      s12 = v2.fma(w, s12);
      s13 = v3.fma(w, s13);
      w = broadcast(weights[weight + 2 * BLOCK + j]);
      s20 = v0.fma(w, s20);
      s21 = v1.fma(w, s21);
      s22 = v2.fma(w, s22);
      s23 = v3.fma(w, s23);
      w = broadcast(weights[weight + 3 * BLOCK + j]);
      s30 = v0.fma(w, s30);
      s31 = v1.fma(w, s31);
      s32 = v2.fma(w, s32);
      s33 = v3.fma(w, s33);
    }
    s00.intoArray(out, offset);
    s01.intoArray(out, offset + LANES);
    s02.intoArray(out, offset + 2 * LANES);
    s03.intoArray(out, offset + 3 * LANES);
    s10.intoArray(out, offset + width);
    s11.intoArray(out, offset + width + LANES);
    s12.intoArray(out, offset + width + 2 * LANES);
    s13.intoArray(out, offset + width + 3 * LANES);
    s20.intoArray(out, offset + 2 * width);
    s21.intoArray(out, offset + 2 * width + LANES);
    s22.intoArray(out, offset + 2 * width + 2 * LANES);
    s23.intoArray(out, offset + 2 * width + 3 * LANES);
    s30.intoArray(out, offset + 3 * width);
    s31.intoArray(out, offset + 3 * width + LANES);
    s32.intoArray(out, offset + 3 * width + 2 * LANES);
    s33.intoArray(out, offset + 3 * width + 3 * LANES);
  }

  /** Four queries' sums of two vectors of channels. */
  private static void weighTwo(
      float[] weights,
      int weight,
      float[] values,
      int value,
      int entries,
      int width,
      float[] out,
      int offset) {
    FloatVector s00 = FloatVector.fromArray(FLOATS, out, offset);
    FloatVector s01 = FloatVector.fromArray(FLOATS, out, offset + LANES);
    FloatVector s10 = FloatVector.fromArray(FLOATS, out, offset + width);
    FloatVector s11 = FloatVector.fromArray(FLOATS, out, offset + width + LANES);
    FloatVector s20 = FloatVector.fromArray(FLOATS, out, offset + 2 * width);
    FloatVector s21 = FloatVector.fromArray(FLOATS, out, offset + 2 * width + LANES);
    FloatVector s30 = FloatVector.fromArray(FLOATS, out, offset + 3 * width);
    FloatVector s31 = FloatVector.fromArray(FLOATS, out, offset + 3 * width + LANES);
    for (int j = 0; j < entries; j++) {
      FloatVector v0 = FloatVector.fromArray(FLOATS, values, value + j * width);
      FloatVector v1 = FloatVector.fromArray(FLOATS, values, value + j * width + LANES);
      FloatVector w = broadcast(weights[weight + j]);
      s00 = v0.fma(w, s00);
      s01 = v1.fma(w, s01);
      w = broadcast(weights[weight + BLOCK + j]);
      s10 = v0.fma(w, s10);
      s11 = v1.fma(w, s11);
      w = broadcast(weights[weight + 2 * BLOCK + j]);
      s20 = v0.fma(w, s20);
      s21 = v1.fma(w, s21);
      w = broadcast(weights[weight + 3 * BLOCK + j]);
      s30 = v0.fma(w, s30);
      s31 = v1.fma(w, s31);
    }
    s00.intoArray(out, offset);
    s01.intoArray(out, offset + LANES);
    s10.intoArray(out, offset + width);
    s11.intoArray(out, offset + width + LANES);
    s20.intoArray(out, offset + 2 * width);
    s21.intoArray(out, offset + 2 * width + LANES);
    s30.intoArray(out, offset + 3 * width);
    s31.intoArray(out, offset + 3 * width + LANES);
  }

  @Override
  public void fromF16(short[] in, int from, int count, float[] out) {
    for (int i = 0; i < count; i += LANES) {
      fromF16(ShortVector.fromArray(HALVES, in, from + i)).intoArray(out, i);
    }
  }

  /** As {@link Floats#fromF16}. */
  private static FloatVector fromF16(ShortVector halves) {
    IntVector bits = halves.convertShape(VectorOperators.S2I, INTS, 0).reinterpretAsInts();
    IntVector moved = bits.lanewise(VectorOperators.AND, 0x7fff).lanewise(VectorOperators.LSHL, 13);
    // A full exponent, and no other, carries into the sign's place.
    IntVector special =
        moved
            .add(0x70800000)
            .lanewise(VectorOperators.ASHR, 31)
            .lanewise(VectorOperators.AND, 0x7f800000);
    return moved
        .reinterpretAsFloats()
        .mul(0x1p112f)
        .reinterpretAsInts()
        .lanewise(VectorOperators.OR, special)
        .lanewise(VectorOperators.OR, bits.lanewise(VectorOperators.AND, 0x80000000))
        .reinterpretAsFloats();
  }

  @Override
  public void fromInt8Columns(
      byte[] in, int from, float[] scales, int scale, int rows, float[] out, int to) {
    if (BYTES == null) {
      PLAIN.fromInt8Columns(in, from, scales, scale, rows, out, to);
      return;
    }
    for (int j = 0; j < BLOCK; j += LANES) {
      FloatVector factor = FloatVector.fromArray(FLOATS, scales, scale + j);
      for (int i = j; i < rows * BLOCK; i += BLOCK) {
        fromInt8(in, from + i).mul(factor).intoArray(out, to + i);
      }
    }
  }

  @Override
  public void fromInt8Rows(
      byte[] in, int from, float[] scales, int scale, int width, float[] out, int to) {
    if (BYTES == null) {
      PLAIN.fromInt8Rows(in, from, scales, scale, width, out, to);
      return;
    }
    for (int row = 0; row < BLOCK; row++) {
      FloatVector factor = broadcast(scales[scale + row]);
      for (int i = row * width; i < (row + 1) * width; i += LANES) {
        fromInt8(in, from + i).mul(factor).intoArray(out, to + i);
      }
    }
  }

  private static FloatVector fromInt8(byte[] in, int from) {
    return (FloatVector)
        ByteVector.fromArray(BYTES, in, from).convertShape(VectorOperators.B2F, FLOATS, 0);
  }

  @Override
  public void swiglu(float[] gate, float[] up, int offset, int count) {
    int whole = count / LANES * LANES;
    for (int i = offset; i < offset + whole; i += LANES) {
      swiglu(gate, up, i);
    }
    if (whole < count) {
      // The rest goes through the same operations, in a vector of its own.
      float[] lastGate = new float[LANES];
      float[] lastUp = new float[LANES];
      System.arraycopy(gate, offset + whole, lastGate, 0, count - whole);
      System.arraycopy(up, offset + whole, lastUp, 0, count - whole);
      swiglu(lastGate, lastUp, 0);
      System.arraycopy(lastGate, 0, gate, offset + whole, count - whole);
    }
  }

  private static void swiglu(float[] gate, float[] up, int i) {
    FloatVector x = FloatVector.fromArray(FLOATS, gate, i);
    FloatVector y = FloatVector.fromArray(FLOATS, up, i);
    x.div(exp(x.neg()).add(1)).mul(y).intoArray(gate, i);
  }

  @Override
  public float sumOfSquares(float[] in, int offset, int count) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = FloatVector.zero(FLOATS);
    int i = 0;
    for (; i + 2 * LANES <= count; i += 2 * LANES) {
      FloatVector x0 = FloatVector.fromArray(FLOATS, in, offset + i);
      FloatVector x1 = FloatVector.fromArray(FLOATS, in, offset + i + LANES);
      s0 = x0.fma(x0, s0);
      s1 = x1.fma(x1, s1);
    }
    float sum = lanesSum(s0.add(s1));
    for (; i < count; i++) {
      sum += in[offset + i] * in[offset + i];
    }
    return sum;
  }

  @Override
  public void scale(float[] out, float[] in, int offset, int count, float factor, float[] gain) {
    int i = 0;
    for (; i + LANES <= count; i += LANES) {
      FloatVector.fromArray(FLOATS, in, offset + i)
          .mul(factor)
          .mul(FloatVector.fromArray(FLOATS, gain, i))
          .intoArray(out, offset + i);
    }
    for (; i < count; i++) {
      out[offset + i] = in[offset + i] * factor * gain[i];
    }
  }

  @Override
  public void rotate(
      float[] head, int offset, int half, float[] cosines, float[] sines, int angle) {
    int i = 0;
    for (; i + LANES <= half; i += LANES) {
      FloatVector x = FloatVector.fromArray(FLOATS, head, offset + i);
      FloatVector y = FloatVector.fromArray(FLOATS, head, offset + half + i);
      FloatVector cos = FloatVector.fromArray(FLOATS, cosines, angle + i);
      FloatVector sin = FloatVector.fromArray(FLOATS, sines, angle + i);
      x.mul(cos).sub(y.mul(sin)).intoArray(head, offset + i);
      y.mul(cos).add(x.mul(sin)).intoArray(head, offset + half + i);
    }
    for (; i < half; i++) {
      float x = head[offset + i];
      float y = head[offset + half + i];
      head[offset + i] = x * cosines[angle + i] - y * sines[angle + i];
      head[offset + half + i] = y * cosines[angle + i] + x * sines[angle + i];
    }
  }
}
