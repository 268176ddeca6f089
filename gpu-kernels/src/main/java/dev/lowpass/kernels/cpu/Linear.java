package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.DType;
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
    if (rows < MANY_ROWS
        && weight.columns() % kernels.group(weight.type()) == 0
        && weight.rows() >= Kernels.DOTS) {
      few(out, in, rows, weight, bias);
      return;
    }
    for (int row = 0; row < rows; row += ROW_BLOCK) {
      many(out, in, row, Math.min(ROW_BLOCK, rows - row), weight, bias);
    }
  }

  private void few(float[] out, float[] in, int rows, CpuWeight weight, float[] bias) {
    int outputs = weight.rows();
    float[] arranged = in;
    if (weight.type() != DType.F32) {
      int size = rows * weight.columns();
      arranged = packed(size);
      kernels.arrange(weight.type(), in, 0, size, arranged, 0);
    }
    float[] row = arranged;
    int outputsAPart = Sizes.roundUp(Math.max(1, PART_BYTES / weight.stride()), Kernels.DOTS);
    team.run(
        Sizes.ceilDiv(outputs, outputsAPart),
        (part, worker) -> {
          int begin = part * outputsAPart;
          int end = Math.min(outputs, begin + outputsAPart);
          float[] sums = scratches[worker].sums(Kernels.DOTS * lanes);
          // The outputs of a group lie far apart: each is a long stream for the prefetcher.
          int step = (end - begin) / Kernels.DOTS;
          for (int o = begin; o < begin + step; o++) {
            fewDots(out, row, rows, weight, bias, o, step, sums);
          }
          if (begin + step * Kernels.DOTS < end) {
            // The last ones' group moves back to be full: what it computes twice is the same.
            fewDots(out, row, rows, weight, bias, outputs - Kernels.DOTS, 1, sums);
          }
        });
  }

  /** Computes the outputs {@code output + i * step}. */
  private void fewDots(
      float[] out,
      float[] in,
      int rows,
      CpuWeight weight,
      float[] bias,
      int output,
      int step,
      float[] sums) {
    int columns = weight.columns();
    for (int row = 0; row < rows; row++) {
      kernels.dots(
          weight.type(),
          weight.data(),
          output * weight.stride(),
          step * weight.stride(),
          in,
          row * columns,
          columns,
          sums);
      for (int i = 0; i < Kernels.DOTS; i++) {
        int o = output + i * step;
        float sum = kernels.sum(sums, i * lanes);
        // One store: two threads may compute this element at a time.
        out[row * weight.rows() + o] = bias == null ? sum : sum + bias[o];
      }
    }
  }

  private void many(
      float[] out, float[] in, int firstRow, int rows, CpuWeight weight, float[] bias) {
    int outputs = weight.rows();
    Blocks blocks = new Blocks(weight.columns(), kernels.group(weight.type()));
    int groups = Sizes.ceilDiv(rows, Kernels.TILE_ROWS);
    packRows(in, firstRow, rows, weight, blocks);
    int outputsAPart =
        Math.min(
            OUTPUT_BLOCK,
            Sizes.roundUp(Sizes.ceilDiv(outputs, 4 * team.size()), Kernels.TILE_OUTPUTS));
    team.run(
        Sizes.ceilDiv(outputs, outputsAPart),
        (part, worker) -> {
          int begin = part * outputsAPart;
          int end = Math.min(outputs, begin + outputsAPart);
          float[] sums = products(weight, begin, end, blocks, groups, scratches[worker]);
          store(sums, begin, end, firstRow, rows, outputs, bias, out);
        });
  }

  /** Adds up the lanes of {@code [row groups, tiles, TILE_ROWS, TILE_OUTPUTS, lanes]}. */
  private void store(
      float[] sums,
      int begin,
      int end,
      int firstRow,
      int rows,
      int outputs,
      float[] bias,
      float[] out) {
    int offset = 0;
    for (int group = 0; group < rows; group += Kernels.TILE_ROWS) {
      for (int tile = begin; tile < end; tile += Kernels.TILE_OUTPUTS) {
        for (int row = group; row < group + Kernels.TILE_ROWS; row++) {
          int to = (firstRow + row) * outputs;
          for (int o = tile; o < tile + Kernels.TILE_OUTPUTS; o++) {
            if (row < rows && o < end) {
              float sum = kernels.sum(sums, offset);
              out[to + o] = bias == null ? sum : sum + bias[o];
            }
            offset += lanes;
          }
        }
      }
    }
  }

  /** The memory that an operation's rows are copied to, kept between operations. */
  private float[] packed(int size) {
    if (packed.length < size) {
      packed = new float[size];
    }
    return packed;
  }

  /**
   * Lays rows out as {@code [groups, blocks, TILE_ROWS, DEPTH]}. Rows and elements that are not
   * there are zeros.
   */
  private void packRows(float[] in, int firstRow, int rows, CpuWeight weight, Blocks blocks) {
    int columns = weight.columns();
    int groups = Sizes.ceilDiv(rows, Kernels.TILE_ROWS);
    int groupSize = blocks.count * Kernels.TILE_ROWS * Kernels.DEPTH;
    float[] to = packed(Sizes.elements("a batch's rows", groups, groupSize));
    team.run(
        groups,
        (group, worker) -> {
          for (int block = 0; block < blocks.count; block++) {
            int depth = blocks.depth(block);
            int count = Math.min(depth, columns - blocks.begin(block));
            int whole = count / blocks.unit * blocks.unit;
            for (int i = 0; i < Kernels.TILE_ROWS; i++) {
              int row = group * Kernels.TILE_ROWS + i;
              int offset = group * groupSize + (block * Kernels.TILE_ROWS + i) * Kernels.DEPTH;
              if (row >= rows) {
                Arrays.fill(to, offset, offset + depth, 0);
                continue;
              }
              int from = (firstRow + row) * columns + blocks.begin(block);
              kernels.arrange(weight.type(), in, from, whole, to, offset);
              if (whole < depth) {
                float[] last = new float[blocks.unit];
                System.arraycopy(in, from + whole, last, 0, count - whole);
                kernels.arrange(weight.type(), last, 0, last.length, to, offset + whole);
              }
            }
          }
        });
  }

  /** The sums of all packed rows with outputs {@code [begin, end)}. */
  private float[] products(
      CpuWeight weight, int begin, int end, Blocks blocks, int groups, Scratch scratch) {
    int tiles = Sizes.ceilDiv(end - begin, Kernels.TILE_OUTPUTS);
    int tileSums = Kernels.TILE_ROWS * Kernels.TILE_OUTPUTS * lanes;
    float[] sums = scratch.sums(groups * tiles * tileSums);
    Arrays.fill(sums, 0, groups * tiles * tileSums, 0);
    float[] panel = scratch.panel(tiles * Kernels.TILE_OUTPUTS * Kernels.DEPTH);
    for (int block = 0; block < blocks.count; block++) {
      packPanel(weight, begin, end, blocks, block, panel);
      for (int group = 0; group < groups; group++) {
        int row = (group * blocks.count + block) * Kernels.TILE_ROWS * Kernels.DEPTH;
        for (int tile = 0; tile < tiles; tile++) {
          kernels.tile(
              packed,
              row,
              panel,
              tile * Kernels.TILE_OUTPUTS * Kernels.DEPTH,
              blocks.depth(block),
              sums,
              (group * tiles + tile) * tileSums);
        }
      }
    }
    return sums;
  }

  /** Lays a block of the weight out as {@code [tiles, TILE_OUTPUTS, DEPTH]}. */
  private void packPanel(
      CpuWeight weight, int begin, int end, Blocks blocks, int block, float[] panel) {
    int bytes = weight.type().bytes();
    int depth = blocks.depth(block);
    int count = Math.min(depth, weight.columns() - blocks.begin(block));
    int whole = count / blocks.unit * blocks.unit;
    int outputs = Sizes.roundUp(end - begin, Kernels.TILE_OUTPUTS);
    for (int i = 0; i < outputs; i++) {
      int offset = i * Kernels.DEPTH;
      if (begin + i >= end) {
        Arrays.fill(panel, offset, offset + depth, 0);
        continue;
      }
      int position = (begin + i) * weight.stride() + blocks.begin(block) * bytes;
      kernels.toFloats(weight.type(), weight.data(), position, whole, panel, offset);
      if (whole < depth) {
        float[] last = new float[blocks.unit];
        Floats.get(weight.type(), weight.data(), position + whole * bytes, last, 0, count - whole);
        kernels.arrange(weight.type(), last, 0, last.length, panel, offset + whole);
      }
    }
  }

  /** A contraction in blocks of about the same depth, whole groups each, the last filled up. */
  private static final class Blocks {
    private final int unit;
    private final int total;
    private final int count;
    private final int size;

    Blocks(int columns, int unit) {
      this.unit = unit;
      total = Sizes.roundUp(columns, unit);
      count = Sizes.ceilDiv(total, Kernels.DEPTH);
      size = Sizes.roundUp(Sizes.ceilDiv(total, count), unit);
    }

    int begin(int block) {
      return block * size;
    }

    int depth(int block) {
      return Math.min(size, total - begin(block));
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
