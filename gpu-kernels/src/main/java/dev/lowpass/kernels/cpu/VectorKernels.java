package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.DType;
import java.nio.ByteBuffer;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
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

  @Override
  public String description() {
    return "Vector API, " + FLOATS.vectorBitSize() + " bits";
  }

  @Override
  public int lanes() {
    return LANES;
  }

  @Override
  public int group(DType type) {
    return VectorWeights.group(type);
  }

  @Override
  public void arrange(DType type, float[] in, int from, int count, float[] out, int to) {
    VectorWeights.arrange(type, in, from, count, out, to);
  }

  @Override
  public void toFloats(
      DType type, ByteBuffer data, int position, int count, float[] out, int offset) {
    VectorWeights.toFloats(type, data, position, count, out, offset);
  }

  @Override
  public void tile(
      float[] rows, int row, float[] panel, int output, int depth, float[] sums, int sum) {
    FloatVector s00 = FloatVector.fromArray(FLOATS, sums, sum);
    FloatVector s01 = FloatVector.fromArray(FLOATS, sums, sum + LANES);
    FloatVector s10 = FloatVector.fromArray(FLOATS, sums, sum + 2 * LANES);
    FloatVector s11 = FloatVector.fromArray(FLOATS, sums, sum + 3 * LANES);
    FloatVector s20 = FloatVector.fromArray(FLOATS, sums, sum + 4 * LANES);
    FloatVector s21 = FloatVector.fromArray(FLOATS, sums, sum + 5 * LANES);
    FloatVector s30 = FloatVector.fromArray(FLOATS, sums, sum + 6 * LANES);
    FloatVector s31 = FloatVector.fromArray(FLOATS, sums, sum + 7 * LANES);
    FloatVector s40 = FloatVector.fromArray(FLOATS, sums, sum + 8 * LANES);
    FloatVector s41 = FloatVector.fromArray(FLOATS, sums, sum + 9 * LANES);
    for (int i = 0; i < depth; i += LANES) {
      FloatVector w0 = FloatVector.fromArray(FLOATS, panel, output + i);
      FloatVector w1 = FloatVector.fromArray(FLOATS, panel, output + i + DEPTH);
      FloatVector x = FloatVector.fromArray(FLOATS, rows, row + i);
      s00 = x.fma(w0, s00);
      s01 = x.fma(w1, s01);
      x = FloatVector.fromArray(FLOATS, rows, row + i + DEPTH);
      s10 = x.fma(w0, s10);
      s11 = x.fma(w1, s11);
      x = FloatVector.fromArray(FLOATS, rows, row + i + 2 * DEPTH);
      s20 = x.fma(w0, s20);
      s21 = x.fma(w1, s21);
      x = FloatVector.fromArray(FLOATS, rows, row + i + 3 * DEPTH);
      s30 = x.fma(w0, s30);
      s31 = x.fma(w1, s31);
      x = FloatVector.fromArray(FLOATS, rows, row + i + 4 * DEPTH);
      s40 = x.fma(w0, s40);
      s41 = x.fma(w1, s41);
    }
    s00.intoArray(sums, sum);
    s01.intoArray(sums, sum + LANES);
    s10.intoArray(sums, sum + 2 * LANES);
    s11.intoArray(sums, sum + 3 * LANES);
    s20.intoArray(sums, sum + 4 * LANES);
    s21.intoArray(sums, sum + 5 * LANES);
    s30.intoArray(sums, sum + 6 * LANES);
    s31.intoArray(sums, sum + 7 * LANES);
    s40.intoArray(sums, sum + 8 * LANES);
    s41.intoArray(sums, sum + 9 * LANES);
  }

  @Override
  public void dots(
      DType type,
      ByteBuffer data,
      int position,
      int stride,
      float[] row,
      int offset,
      int count,
      float[] sums) {
    VectorWeights.dots(type, data, position, stride, row, offset, count, sums);
  }

  @Override
  public float sum(float[] sums, int offset) {
    return lanesSum(sums, offset);
  }

  private static float lanesSum(float[] sums, int offset) {
    float even = sums[offset];
    float odd = sums[offset + 1];
    for (int lane = 2; lane < LANES; lane += 2) {
      even += sums[offset + lane];
      odd += sums[offset + lane + 1];
    }
    return even + odd;
  }

  @Override
  public void scores(
      float[] queries, int query, float[] keys, int key, int headDim, float[] scores, int score) {
    for (int j = 0; j < BLOCK; j += 2 * LANES) {
      scoresOfTwo(queries, query, keys, key + j, headDim, scores, score + j);
    }
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
  public float exp(float[] scores, int offset, float max) {
    FloatVector sum = FloatVector.zero(FLOATS);
    for (int j = offset; j < offset + BLOCK; j += LANES) {
      FloatVector weights = exp(FloatVector.fromArray(FLOATS, scores, j).sub(max));
      weights.intoArray(scores, j);
      sum = sum.add(weights);
    }
    float[] lanes = new float[LANES];
    sum.intoArray(lanes, 0);
    return lanesSum(lanes, 0);
  }

  /**
   * e^x within 2 ulp; 0 below x = -86, where the result nears the subnormals, infinity above 88.72.
   *
   * <p>x = n ln 2 + r with |r| <= ln 2 / 2, so e^x = 2^n e^r. Adding 1.5 * 2^23 rounds to an
   * integer and leaves it in the low bits, where it is shifted into an exponent.
   */
  private static FloatVector exp(FloatVector x) {
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
    // 2^(n - 1), and once more 2: n reaches 128 before the result overflows.
    FloatVector power =
        shifted
            .reinterpretAsInts()
            .add(126)
            .lanewise(VectorOperators.LSHL, 23)
            .reinterpretAsFloats();
    FloatVector result = p.add(p).mul(power);
    result = result.blend(0f, x.compare(VectorOperators.LT, -86f));
    return result.blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, 88.72284f));
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
    float[] lanes = new float[LANES];
    s0.add(s1).intoArray(lanes, 0);
    float sum = lanesSum(lanes, 0);
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
