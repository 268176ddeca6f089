package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.Projection;
import java.util.Arrays;
import java.util.List;

/**
 * Products with a weight; those with one in blocks are {@link RoundedRows}'. Each sum has a vector
 * of its own that runs over the whole contraction; its lanes are added at the end, always in the
 * same order. So few rows, which read the weight where it is mapped, and many, which go through
 * panels of it converted to floats, come out the same to the last bit; so does any split among
 * threads.
 */
final class Linear {
  /** Rows that share a panel: bounds the packed rows. */
  private static final int ROW_BLOCK = 512;

  /**
   * Up to so many rows a part has several panels, small ones: reading the weight takes as long as
   * multiplying by it, and the next panel can be read meanwhile.
   */
  private static final int FEW_ROWS = 64;

  /** Panels of a part of few rows, and a panel's tiles. */
  private static final int FEW_ROWS_PANELS = 8;

  private static final int FEW_ROWS_TILES = 3;

  /** Blocks of the contraction that a panel holds. */
  private static final int PANEL_BLOCKS = 3;

  private static final int DEPTH = Kernels.DEPTH;

  private final Kernels kernels;
  private final Team team;
  private final int lanes;
  private final int tileRows;
  private final int tileOutputs;
  private final int maxPanelOutputs;
  private final FewRows fewRows;
  private final ManyRowsOfBlocks manyRowsOfBlocks;
  private final AlignedFloats memory = new AlignedFloats();

  Linear(Kernels kernels, Team team) {
    this.kernels = kernels;
    this.team = team;
    lanes = kernels.lanes();
    tileRows = kernels.tileRows();
    tileOutputs = kernels.tileOutputs();
    // With 8 lanes 24 x 3 x 768 floats, which stay in the L2 cache. Wider vectors run through the
    // rows faster, so they need more outputs a row; processors that have them have larger caches.
    maxPanelOutputs = 3 * Math.max(8, lanes);
    fewRows = new FewRows(kernels, team);
    manyRowsOfBlocks = new ManyRowsOfBlocks(kernels, team);
  }

  /** {@code out[i, o] = sum of in[i, c] * weight[o, c] + bias[o]}; the bias may be null. */
  void run(float[] out, float[] in, int rows, CpuWeight weight, float[] bias) {
    if (rows <= FewRows.MOST && fewRows.takes(weight)) {
      fewRows.run(out, in, rows, weight, bias);
      return;
    }
    if (weight.quantization() != null) {
      manyRowsOfBlocks.run(out, in, rows, weight, bias);
      return;
    }
    for (int row = 0; row < rows; row += ROW_BLOCK) {
      new Many(out, in, row, Math.min(ROW_BLOCK, rows - row), weight, bias).run();
    }
  }

  /** The same with several weights. */
  void run(float[] in, int rows, List<Projection> projections) {
    if (rows <= FewRows.MOST && fewRows.takes(projections)) {
      fewRows.run(in, rows, projections);
      return;
    }
    for (Projection projection : projections) {
      float[] out = ((CpuTensor) projection.out()).data();
      run(out, in, rows, (CpuWeight) projection.weight(), bias(projection));
    }
  }

  /** A projection's bias; null for none. */
  static float[] bias(Projection projection) {
    return projection.bias() == null ? null : ((CpuWeight) projection.bias()).vector();
  }

  /** The product of a batch of rows: panels of the weight, each with all of the rows. */
  private final class Many {
    private final float[] out;
    private final float[] in;
    private final int firstRow;
    private final int rows;
    private final CpuWeight weight;
    private final float[] bias;
    private final Blocks blocks;
    private final int groups;
    private final int groupSize;
    private final int panelOutputs;
    private final int panels;
    private final int panelSize;
    private final int sumsSize;
    private final int sumsCount;

    /** Packed rows, sums to begin with, each worker's panel and sums: one array, for alignment. */
    private final float[] floats;

    /** Where a tile's sums, as far apart as in a panel, are zero. */
    private final int zeros;

    private final int scratch;

    Many(float[] out, float[] in, int firstRow, int rows, CpuWeight weight, float[] bias) {
      this.out = out;
      this.in = in;
      this.firstRow = firstRow;
      this.rows = rows;
      this.weight = weight;
      this.bias = bias;
      blocks = new Blocks(weight.columns(), kernels.group(weight));
      groups = Sizes.ceilDiv(rows, tileRows);
      groupSize = blocks.count * tileRows * Kernels.DEPTH;
      int share = Sizes.roundUp(Sizes.ceilDiv(weight.rows(), 4 * team.size()), tileOutputs);
      boolean few = rows <= FEW_ROWS;
      panelOutputs = Math.min(few ? FEW_ROWS_TILES * tileOutputs : maxPanelOutputs, share);
      panels = few ? Math.min(FEW_ROWS_PANELS, Sizes.ceilDiv(share, panelOutputs)) : 1;
      panelSize = Math.min(blocks.count, PANEL_BLOCKS) * panelOutputs * Kernels.DEPTH;
      sumsSize = Sizes.roundUp(tileRows * panelOutputs, lanes) * lanes;
      // Where a panel holds the whole contraction, one group's sums are stored before the next's.
      sumsCount = blocks.count > PANEL_BLOCKS ? groups : 1;
      zeros = AlignedFloats.BEGIN + Sizes.elements("a batch's rows", groups, groupSize);
      scratch = zeros + sumsSize;
      floats = memory.take(scratch + (long) team.size() * scratchSize());
      Arrays.fill(floats, zeros, scratch, 0);
    }

    void run() {
      team.run(groups, (group, worker) -> packRows(group));
      int partOutputs = panels * panelOutputs;
      team.run(
          Sizes.ceilDiv(weight.rows(), partOutputs),
          (part, worker) ->
              products(
                  part * partOutputs,
                  Math.min(weight.rows(), (part + 1) * partOutputs),
                  scratch + worker * scratchSize()));
    }

    /** Two panels, and sums. */
    private int scratchSize() {
      return 2 * panelSize + sumsCount * sumsSize;
    }

    private int packed(int group) {
      return AlignedFloats.BEGIN + group * groupSize;
    }

    /** A group's rows that are there. */
    private int rows(int group) {
      return Math.min(tileRows, rows - group * tileRows);
    }

    /**
     * Lays a group of rows out as {@code [blocks, tileRows, DEPTH]}. Rows and elements that are not
     * there are zeros.
     */
    private void packRows(int group) {
      int columns = weight.columns();
      for (int block = 0; block < blocks.count; block++) {
        int depth = blocks.depth(block);
        int count = Math.min(depth, columns - blocks.begin(block));
        int whole = count / blocks.unit * blocks.unit;
        for (int i = 0; i < tileRows; i++) {
          int row = group * tileRows + i;
          int to = packed(group) + (block * tileRows + i) * Kernels.DEPTH;
          if (row >= rows) {
            Arrays.fill(floats, to, to + depth, 0);
            continue;
          }
          int from = (firstRow + row) * columns + blocks.begin(block);
          kernels.arrange(weight, in, from, whole, floats, to);
          if (whole < depth) {
            float[] last = new float[blocks.unit];
            System.arraycopy(in, from + whole, last, 0, count - whole);
            kernels.arrange(weight, last, 0, last.length, floats, to + whole);
          }
        }
      }
    }

    /** Computes and stores a part's outputs of all rows. */
    private void products(int begin, int end, int memory) {
      int sums = memory + 2 * panelSize;
      Panel panel = new Panel(begin, end, 0, memory);
      panel.pack(panel.slices());
      while (panel != null) {
        Panel next = panel.next(memory, end);
        for (int group = 0; group < groups; group++) {
          int groupSums = sums + group % sumsCount * sumsSize;
          panel.addProducts(group, groupSums, next);
          if (panel.endBlock == blocks.count) {
            store(group, panel.begin, panel.outputs, groupSums);
          }
        }
        panel = next;
      }
    }

    /** Blocks of some outputs of the weight, as {@code [blocks, panelOutputs, DEPTH]}. */
    private final class Panel {
      final int begin;
      final int outputs;
      final int block;
      final int endBlock;
      private final int memory;
      private int packed;

      Panel(int begin, int end, int block, int memory) {
        this.begin = begin;
        outputs = Math.min(panelOutputs, end - begin);
        this.block = block;
        endBlock = Math.min(blocks.count, block + PANEL_BLOCKS);
        this.memory = memory;
      }

      /** The one after this, in the other half of the memory; null after a part's last. */
      Panel next(int first, int end) {
        int other = memory == first ? first + panelSize : first;
        if (endBlock < blocks.count) {
          return new Panel(begin, end, endBlock, other);
        }
        return begin + outputs < end ? new Panel(begin + outputs, end, 0, other) : null;
      }

      int slices() {
        return (endBlock - block) * panelOutputs;
      }

      /** Packs up to so many slices, an output's block each. */
      void pack(int end) {
        for (; packed < end; packed++) {
          pack(block + packed / panelOutputs, packed % panelOutputs, memory + packed * DEPTH);
        }
      }

      private void pack(int b, int output, int to) {
        int depth = blocks.depth(b);
        if (output >= outputs) {
          Arrays.fill(floats, to, to + depth, 0);
          return;
        }
        int from = blocks.begin(b);
        int count = Math.min(depth, weight.columns() - from);
        int whole = count / blocks.unit * blocks.unit;
        kernels.toFloats(weight, begin + output, from, whole, floats, to);
        if (whole < depth) {
          float[] last = new float[blocks.unit];
          weight.get(begin + output, from + whole, count - whole, last, 0);
          kernels.arrange(weight, last, 0, last.length, floats, to + whole);
        }
      }

      /**
       * Adds a group's products to its sums {@code [tileRows, panelOutputs, lanes]}, and packs the
       * group's share of the next panel in between: the processor fetches what comes after a slice
       * while it multiplies.
       */
      void addProducts(int group, int sums, Panel next) {
        int tiles = (endBlock - block) * Sizes.ceilDiv(outputs, tileOutputs);
        int tile = group * tiles;
        for (int b = block; b < endBlock; b++) {
          int row = packed(group) + b * tileRows * DEPTH;
          int output = memory + (b - block) * panelOutputs * DEPTH;
          for (int o = 0; o < outputs; o += tileOutputs) {
            kernels.tile(
                floats,
                row,
                rows(group),
                output + o * DEPTH,
                blocks.depth(b),
                b == 0 ? zeros : sums + o * lanes,
                sums + o * lanes,
                panelOutputs * lanes);
            tile++;
            if (next != null) {
              next.pack((int) ((long) next.slices() * tile / (groups * tiles)));
            }
          }
        }
      }
    }

    private void store(int group, int begin, int outputs, int sums) {
      kernels.sums(floats, sums, rows(group) * panelOutputs);
      int first = group * tileRows;
      for (int i = 0; i < rows(group); i++) {
        int from = sums + i * panelOutputs;
        int to = (firstRow + first + i) * weight.rows() + begin;
        System.arraycopy(floats, from, out, to, outputs);
        if (bias != null) {
          for (int o = 0; o < outputs; o++) {
            out[to + o] += bias[begin + o];
          }
        }
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
}
