package dev.lowpass.kernels.cpu;

import java.util.Arrays;

/**
 * Products with a weight. Each sum has a vector of its own that runs over the whole contraction;
 * its lanes are added at the end, always in the same order. So few rows, which read the weight
 * where it is mapped, and many, which go through panels of it converted to floats, come out the
 * same to the last bit; so does any split among threads.
 */
final class Linear {
  /** From here on converting a panel costs less than reading the weight again for each row. */
  private static final int MANY_ROWS = 4;

  /** Rows that share a panel: bounds the packed rows and the sums kept between blocks. */
  private static final int ROW_BLOCK = 256;

  /** Elements of the contraction a block: a tile's rows stay in the L1 cache. */
  private static final int DEPTH_BLOCK = 512;

  /** Outputs a panel: 48 x 512 floats stay in the L2 cache. */
  private static final int OUTPUT_BLOCK = 48;

  /** Bytes of the weight that few rows read a part: some microseconds' worth. */
  private static final int PART_BYTES = 1 << 17;

  private final Kernels kernels;
  private final Team team;
  private final int lanes;
  private final Scratch[] scratches;
  private float[] packed = new float[0];

  Linear(Kernels kernels, Team team) {
    this.kernels = kernels;
    this.team = team;
    lanes = kernels.lanes();
    scratches = new Scratch[team.size()];
    Arrays.setAll(scratches, i -> new Scratch());
  }

  /** {@code out[i, o] = sum of in[i, c] * weight[o, c] + bias[o]}; the bias may be null. */
  void run(float[] out, float[] in, int rows, CpuWeight weight, float[] bias) {
    if (rows < MANY_ROWS && weight.columns() % lanes == 0 && weight.rows() >= Kernels.DOTS) {
      few(out, in, rows, weight, bias);
      return;
    }
    for (int row = 0; row < rows; row += ROW_BLOCK) {
      many(out, in, row, Math.min(ROW_BLOCK, rows - row), weight, bias);
    }
  }

  private void few(float[] out, float[] in, int rows, CpuWeight weight, float[] bias) {
    int outputs = weight.rows();
    int outputsAPart = Sizes.roundUp(Math.max(1, PART_BYTES / weight.stride()), Kernels.DOTS);
    team.run(
        Sizes.ceilDiv(outputs, outputsAPart),
        (part, worker) -> {
          int begin = part * outputsAPart;
          int end = Math.min(outputs, begin + outputsAPart);
          float[] sums = scratches[worker].sums(Kernels.DOTS * lanes);
          for (int o = begin; o < end; o += Kernels.DOTS) {
            // The last group moves back to be full; what it computes twice is the same.
            fewDots(out, in, rows, weight, bias, Math.min(o, outputs - Kernels.DOTS), sums);
          }
        });
  }

  private void fewDots(
      float[] out, float[] in, int rows, CpuWeight weight, float[] bias, int output, float[] sums) {
    int columns = weight.columns();
    int stride = weight.stride();
    for (int row = 0; row < rows; row++) {
      kernels.dots(
          weight.type(),
          weight.data(),
          output * stride,
          stride,
          in,
          row * columns,
          columns / lanes,
          sums);
      int to = row * weight.rows() + output;
      kernels.reduce(sums, 0, Kernels.DOTS, out, to);
      addBias(bias, output, Kernels.DOTS, out, to);
    }
  }

  private void many(
      float[] out, float[] in, int firstRow, int rows, CpuWeight weight, float[] bias) {
    int outputs = weight.rows();
    int steps = Sizes.ceilDiv(weight.columns(), lanes);
    int groups = Sizes.ceilDiv(rows, Kernels.TILE_ROWS);
    packRows(in, firstRow, rows, weight.columns());
    int outputsAPart =
        Math.min(
            OUTPUT_BLOCK,
            Sizes.roundUp(Sizes.ceilDiv(outputs, 4 * team.size()), Kernels.TILE_OUTPUTS));
    team.run(
        Sizes.ceilDiv(outputs, outputsAPart),
        (part, worker) -> {
          int begin = part * outputsAPart;
          int end = Math.min(outputs, begin + outputsAPart);
          float[] sums = products(weight, begin, end, steps, groups, scratches[worker]);
          store(sums, begin, end, firstRow, rows, outputs, out);
          for (int row = firstRow; row < firstRow + rows; row++) {
            addBias(bias, begin, end - begin, out, row * outputs + begin);
          }
        });
  }

  /** Adds up the lanes of {@code [row groups, tiles, TILE_ROWS, TILE_OUTPUTS, lanes]}. */
  private void store(
      float[] sums, int begin, int end, int firstRow, int rows, int outputs, float[] out) {
    int offset = 0;
    for (int group = 0; group < rows; group += Kernels.TILE_ROWS) {
      for (int o = begin; o < end; o += Kernels.TILE_OUTPUTS) {
        for (int row = group; row < group + Kernels.TILE_ROWS; row++) {
          if (row < rows) {
            int count = Math.min(Kernels.TILE_OUTPUTS, end - o);
            kernels.reduce(sums, offset, count, out, (firstRow + row) * outputs + o);
          }
          offset += Kernels.TILE_OUTPUTS * lanes;
        }
      }
    }
  }

  private static void addBias(float[] bias, int from, int count, float[] out, int to) {
    if (bias != null) {
      for (int i = 0; i < count; i++) {
        out[to + i] += bias[from + i];
      }
    }
  }

  /** Lays rows out as {@code [groups, steps, TILE_ROWS, lanes]}, filled up with zeros. */
  private void packRows(float[] in, int firstRow, int rows, int columns) {
    int whole = columns / lanes;
    int rest = columns % lanes;
    int steps = Sizes.ceilDiv(columns, lanes);
    int groups = Sizes.ceilDiv(rows, Kernels.TILE_ROWS);
    int stride = Kernels.TILE_ROWS * lanes;
    int size = Sizes.elements("a batch's rows", groups, steps, stride);
    if (packed.length < size) {
      packed = new float[size];
    }
    float[] to = packed;
    team.run(
        groups,
        (group, worker) -> {
          for (int i = 0; i < Kernels.TILE_ROWS; i++) {
            int row = group * Kernels.TILE_ROWS + i;
            int offset = group * steps * stride + i * lanes;
            int from = (firstRow + row) * columns;
            if (row >= rows) {
              zero(to, offset, steps, stride);
              continue;
            }
            kernels.pack(in, from, whole, to, offset, stride);
            if (rest > 0) {
              int last = offset + whole * stride;
              zero(to, last, 1, stride);
              System.arraycopy(in, from + whole * lanes, to, last, rest);
            }
          }
        });
  }

  /** The sums of all packed rows with outputs {@code [begin, end)}. */
  private float[] products(
      CpuWeight weight, int begin, int end, int steps, int groups, Scratch scratch) {
    int tiles = Sizes.ceilDiv(end - begin, Kernels.TILE_OUTPUTS);
    int tileSums = Kernels.TILE_ROWS * Kernels.TILE_OUTPUTS * lanes;
    float[] sums = scratch.sums(groups * tiles * tileSums);
    Arrays.fill(sums, 0, groups * tiles * tileSums, 0);
    int blocks = Sizes.ceilDiv(steps * lanes, DEPTH_BLOCK);
    int stepsABlock = Sizes.ceilDiv(steps, blocks);
    int rowStride = Kernels.TILE_ROWS * lanes;
    int panelStride = Kernels.TILE_OUTPUTS * lanes;
    float[] panel = scratch.panel(tiles * stepsABlock * panelStride);
    for (int step = 0; step < steps; step += stepsABlock) {
      int count = Math.min(stepsABlock, steps - step);
      packPanel(weight, begin, end, step, count, panel);
      for (int group = 0; group < groups; group++) {
        for (int tile = 0; tile < tiles; tile++) {
          kernels.tile(
              packed,
              (group * steps + step) * rowStride,
              panel,
              tile * count * panelStride,
              count,
              sums,
              (group * tiles + tile) * tileSums);
        }
      }
    }
    return sums;
  }

  /** Lays a block of the weight out as {@code [tiles, steps, TILE_OUTPUTS, lanes]}. */
  private void packPanel(CpuWeight weight, int begin, int end, int step, int count, float[] panel) {
    int stride = Kernels.TILE_OUTPUTS * lanes;
    int whole = Math.min(count, weight.columns() / lanes - step);
    int rest = weight.columns() % lanes;
    int tiles = Sizes.ceilDiv(end - begin, Kernels.TILE_OUTPUTS);
    for (int i = 0; i < tiles * Kernels.TILE_OUTPUTS; i++) {
      int offset = i / Kernels.TILE_OUTPUTS * count * stride + i % Kernels.TILE_OUTPUTS * lanes;
      if (begin + i >= end) {
        zero(panel, offset, count, stride);
        continue;
      }
      int bytes = weight.type().bytes();
      int position = (begin + i) * weight.stride() + step * lanes * bytes;
      kernels.pack(weight.type(), weight.data(), position, whole, panel, offset, stride);
      if (whole < count) {
        int last = offset + whole * stride;
        zero(panel, last, 1, stride);
        Floats.get(
            weight.type(), weight.data(), position + whole * lanes * bytes, panel, last, rest);
      }
    }
  }

  private void zero(float[] to, int offset, int steps, int stride) {
    for (int i = 0; i < steps; i++) {
      Arrays.fill(to, offset + i * stride, offset + i * stride + lanes, 0);
    }
  }

  /** One thread's memory, kept between operations. */
  private static final class Scratch {
    private float[] sums = new float[0];
    private float[] panel = new float[0];

    float[] sums(int size) {
      if (sums.length < size) {
        sums = new float[size];
      }
      return sums;
    }

    float[] panel(int size) {
      if (panel.length < size) {
        panel = new float[size];
      }
      return panel;
    }
  }
}
