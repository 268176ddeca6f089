package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Floats;
import dev.lowpass.kernels.Quantization;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** The inner loops without the Vector API: vectors of one lane. */
final class PlainKernels implements Kernels {
  @Override
  public String description() {
    return "plain Java";
  }

  @Override
  public boolean readsArrays() {
    return false;
  }

  @Override
  public int lanes() {
    return 1;
  }

  @Override
  public int tileRows() {
    return 5;
  }

  @Override
  public int tileOutputs() {
    return 2;
  }

  @Override
  public int group(CpuWeight weight) {
    return 1;
  }

  @Override
  public void arrange(CpuWeight weight, float[] in, int from, int count, float[] out, int to) {
    System.arraycopy(in, from, out, to, count);
  }

  @Override
  public void toFloats(
      CpuWeight weight, int output, int begin, int count, float[] out, int offset) {
    weight.get(output, begin, count, out, offset);
  }

  @Override
  public void tile(
      float[] floats, int row, int rows, int output, int depth, int from, int sum, int stride) {
    float s00 = floats[from];
    float s01 = floats[from + 1];
    float s10 = floats[from + stride];
    float s11 = floats[from + stride + 1];
    float s20 = floats[from + 2 * stride];
    float s21 = floats[from + 2 * stride + 1];
    float s30 = floats[from + 3 * stride];
    float s31 = floats[from + 3 * stride + 1];
    float s40 = floats[from + 4 * stride];
    float s41 = floats[from + 4 * stride + 1];
    for (int i = 0; i < depth; i++) {
      float w0 = floats[output + i];
      float w1 = floats[output + i + DEPTH];
      float x = floats[row + i];
      s00 += x * w0;
      s01 += x * w1;
      x = floats[row + i + DEPTH];
      s10 += x * w0;
      s11 += x * w1;
      x = floats[row + i + 2 * DEPTH];
      s20 += x * w0;
      s21 += x * w1;
      x = floats[row + i + 3 * DEPTH];
      s30 += x * w0;
      s31 += x * w1;
      x = floats[row + i + 4 * DEPTH];
      s40 += x * w0;
      s41 += x * w1;
    }
    floats[sum] = s00;
    floats[sum + 1] = s01;
    floats[sum + stride] = s10;
    floats[sum + stride + 1] = s11;
    floats[sum + 2 * stride] = s20;
    floats[sum + 2 * stride + 1] = s21;
    floats[sum + 3 * stride] = s30;
    floats[sum + 3 * stride + 1] = s31;
    floats[sum + 4 * stride] = s40;
    floats[sum + 4 * stride + 1] = s41;
  }

  @Override
  public void dots(CpuWeight weight, int output, int step, float[] row, int offset, float[] sums) {
    DType type = weight.type();
    ByteBuffer data = weight.data();
    int position = output * weight.stride();
    int stride = step * weight.stride();
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    for (int i = 0; i < weight.columns(); i++) {
      int p = position + i * type.bytes();
      float x = row[offset + i];
      s0 += x * Floats.get(type, data, p);
      s1 += x * Floats.get(type, data, p + stride);
      s2 += x * Floats.get(type, data, p + 2 * stride);
      s3 += x * Floats.get(type, data, p + 3 * stride);
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
  }

  @Override
  public float round(float[] in, int from, int count, float[] out, int to) {
    float largest = 0;
    for (int i = 0; i < count; i++) {
      largest = Math.max(largest, Math.abs(in[from + i]));
    }
    float inverse = Kernels.inverse(largest);
    for (int i = 0; i < count; i++) {
      out[to + i] = (float) Math.rint(in[from + i] * inverse);
    }
    return largest / LARGEST;
  }

  @Override
  public void operand(Quantization quantization, float[] multiples, int[] out, int to) {
    for (int i = 0; i < quantization.blockColumns(); i++) {
      out[to + i] = (int) multiples[i];
    }
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
    Quantization quantization = weight.quantization();
    ByteBuffer data = weight.data();
    int columns = quantization.blockColumns();
    for (int o = 0; o < Quantization.ROWS; o++) {
      int sum = 0;
      for (int c = 0; c < columns; c++) {
        sum += operand[at + c] * quantization.integer(data, position, o, c);
      }
      floats[total + o] += sum * (quantization.scale(data, position, o) * scale);
    }
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
    for (int i = 0; i < GROUPS; i++) {
      int unit = position + i * step;
      int to = total + i * Quantization.ROWS;
      addUnit(weight, unit, operand, at, scale, floats, sums, to);
    }
  }

  @Override
  public void unitToFloats(CpuWeight weight, int position, float[] out, int to) {
    Quantization quantization = weight.quantization();
    ByteBuffer data = weight.data();
    int columns = quantization.blockColumns();
    for (int o = 0; o < Quantization.ROWS; o++) {
      for (int c = 0; c < columns; c++) {
        out[to + c * Quantization.ROWS + o] = quantization.integer(data, position, o, c);
      }
      out[to + columns * Quantization.ROWS + o] = quantization.scale(data, position, o);
    }
  }

  @Override
  public void addUnits(
      float[] floats, int row, int scale, int panel, int columns, int units, int sums, int total) {
    int outputs = Quantization.ROWS;
    for (int unit = 0; unit < units; unit++) {
      int w = panel + unit * (columns + 1) * outputs;
      for (int i = 0; i < BLOCK_ROWS; i++) {
        Arrays.fill(floats, sums, sums + outputs, 0);
        for (int c = 0; c < columns; c++) {
          float x = floats[row + (unit * columns + c) * BLOCK_ROWS + i];
          for (int o = 0; o < outputs; o++) {
            floats[sums + o] += x * floats[w + c * outputs + o];
          }
        }
        float rowScale = floats[scale + unit * BLOCK_ROWS + i];
        for (int o = 0; o < outputs; o++) {
          floats[total + i * outputs + o] +=
              floats[sums + o] * (floats[w + columns * outputs + o] * rowScale);
        }
      }
    }
  }

  @Override
  public float sum(float[] sums, int offset) {
    return sums[offset];
  }

  @Override
  public void sums(float[] sums, int offset, int count) {
    // A vector of one lane is its sum.
  }

  @Override
  public void scores(
      float[] queries, int query, float[] keys, int key, int headDim, float[] scores, int score) {
    for (int q = 0; q < QUERIES; q++) {
      int out = score + q * BLOCK;
      int in = query + q * headDim;
      for (int j = 0; j < BLOCK; j++) {
        scores[out + j] = 0;
      }
      for (int d = 0; d < headDim; d++) {
        float x = queries[in + d];
        int k = key + d * BLOCK;
        for (int j = 0; j < BLOCK; j++) {
          scores[out + j] += x * keys[k + j];
        }
      }
    }
  }

  @Override
  public float max(float[] in, int offset, int count) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < count; i++) {
      max = Math.max(max, in[offset + i]);
    }
    return max;
  }

  @Override
  public float highest(float[] scores, int offset) {
    return max(scores, offset, BLOCK);
  }

  @Override
  public void exp(float[] scores, int offset, float max, float[] sums, int sum) {
    for (int j = 0; j < BLOCK; j++) {
      float weight = (float) Math.exp(scores[offset + j] - max);
      scores[offset + j] = weight;
      sums[sum] += weight;
    }
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
    for (int j = 0; j < entries; j++) {
      float w = weights[weight + j];
      int v = value + j * width;
      for (int d = 0; d < width; d++) {
        out[offset + d] += w * values[v + d];
      }
    }
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
    for (int q = 0; q < QUERIES; q++) {
      weigh(weights, weight + q * BLOCK, values, value, entries, width, out, offset + q * width);
    }
  }

  @Override
  public void fromF16(short[] in, int from, int count, float[] out) {
    for (int i = 0; i < count; i++) {
      out[i] = Floats.fromF16(in[from + i]);
    }
  }

  @Override
  public void fromInt8Columns(
      byte[] in, int from, float[] scales, int scale, int rows, float[] out, int to) {
    for (int i = 0; i < rows * BLOCK; i++) {
      out[to + i] = in[from + i] * scales[scale + i % BLOCK];
    }
  }

  @Override
  public void fromInt8Rows(
      byte[] in, int from, float[] scales, int scale, int width, float[] out, int to) {
    for (int i = 0; i < BLOCK * width; i++) {
      out[to + i] = in[from + i] * scales[scale + i / width];
    }
  }

  @Override
  public void swiglu(float[] gate, float[] up, int offset, int count) {
    for (int i = offset; i < offset + count; i++) {
      gate[i] = (float) (gate[i] / (1 + Math.exp(-gate[i]))) * up[i];
    }
  }

  @Override
  public float sumOfSquares(float[] in, int offset, int count) {
    float sum = 0;
    for (int i = 0; i < count; i++) {
      sum += in[offset + i] * in[offset + i];
    }
    return sum;
  }

  @Override
  public void scale(float[] out, float[] in, int offset, int count, float factor, float[] gain) {
    for (int i = 0; i < count; i++) {
      out[offset + i] = in[offset + i] * factor * gain[i];
    }
  }

  @Override
  public void rotate(
      float[] head, int offset, int half, float[] cosines, float[] sines, int angle) {
    for (int i = 0; i < half; i++) {
      float x = head[offset + i];
      float y = head[offset + half + i];
      float cos = cosines[angle + i];
      float sin = sines[angle + i];
      head[offset + i] = x * cos - y * sin;
      head[offset + half + i] = y * cos + x * sin;
    }
  }
}
