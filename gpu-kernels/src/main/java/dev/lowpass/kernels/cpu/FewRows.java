package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.Projection;
import dev.lowpass.kernels.Quantization;
import java.util.Arrays;
import java.util.List;

/**
 * Products of one to three rows with weights, which are read as they are stored: a decode step of
 * few documents, whose time reading them is. Weights that take the same input go together, so that
 * threads wait for each other once.
 */
final class FewRows implements Team.Task {
  /** From more rows on, converting a panel costs less than reading the weight again for each. */
  static final int MOST = 3;

  /** Bytes of the weights that a part has at least: a microsecond's worth. */
  private static final int LEAST_BYTES = 12 << 10;

  /**
   * And at most: a thread that the system holds up keeps the others waiting for the part it has.
   */
  private static final int MOST_BYTES = 1 << 19;

  private final Kernels kernels;
  private final Team team;
  private final int lanes;
  private final Shares shares = new Shares();
  private final AlignedFloats memory = new AlignedFloats();

  /** Each worker's sums. */
  private final float[][] dots;

  private final FewRowsOfBlocks blocks;

  // The operation: the weights' units, one after the other, are what threads share out.
  private float[][] outs = new float[1][];
  private CpuWeight[] weights = new CpuWeight[1];
  private float[][] biases = new float[1][];
  private int[] unitEnds = new int[1];
  private int count;

  private float[] in;
  private int rows;

  /** From one row of the input to the next. */
  private int stride;

  FewRows(Kernels kernels, Team team) {
    this.kernels = kernels;
    this.team = team;
    lanes = kernels.lanes();
    dots = new float[team.size()][Kernels.DOTS * lanes + AlignedFloats.APART];
    blocks = new FewRowsOfBlocks(kernels, team.size());
  }

  /** Whether it has a product with this weight. */
  boolean takes(CpuWeight weight) {
    return weight.quantization() != null
        || weight.columns() % kernels.group(weight) == 0 && weight.rows() >= Kernels.DOTS;
  }

  /** Whether it has all of some products, and their weights take the same input as it is. */
  boolean takes(List<Projection> projections) {
    CpuWeight first = (CpuWeight) projections.get(0).weight();
    for (int i = 0; i < projections.size(); i++) {
      CpuWeight weight = (CpuWeight) projections.get(i).weight();
      if (!takes(weight)
          || weight.type() != first.type()
          || weight.quantization() != first.quantization()) {
        return false;
      }
    }
    return true;
  }

  /** {@code out[i, o] = sum of in[i, c] * weight[o, c] + bias[o]}; the bias may be null. */
  void run(float[] out, float[] input, int rows, CpuWeight weight, float[] bias) {
    count = 0;
    add(out, weight, bias);
    run(input, rows);
  }

  /** The same with several weights. */
  void run(float[] input, int rows, List<Projection> projections) {
    count = 0;
    for (int i = 0; i < projections.size(); i++) {
      Projection projection = projections.get(i);
      float[] out = ((CpuTensor) projection.out()).data();
      add(out, (CpuWeight) projection.weight(), Linear.bias(projection));
    }
    run(input, rows);
  }

  private void add(float[] out, CpuWeight weight, float[] bias) {
    if (count == weights.length) {
      outs = Arrays.copyOf(outs, 2 * count);
      weights = Arrays.copyOf(weights, 2 * count);
      biases = Arrays.copyOf(biases, 2 * count);
      unitEnds = Arrays.copyOf(unitEnds, 2 * count);
    }
    outs[count] = out;
    weights[count] = weight;
    biases[count] = bias;
    unitEnds[count] =
        (count == 0 ? 0 : unitEnds[count - 1]) + Sizes.ceilDiv(weight.rows(), unit(weight));
    count++;
  }

  private void run(float[] input, int rows) {
    this.rows = rows;
    arrange(input, weights[0]);
    boolean inBlocks = weights[0].quantization() != null;
    int unitBytes = weights[0].stride() * (inBlocks ? 1 : Kernels.DOTS);
    shares.cut(
        unitEnds[count - 1],
        team.size(),
        Math.max(1, LEAST_BYTES / unitBytes),
        Math.max(1, MOST_BYTES / unitBytes),
        inBlocks ? Kernels.GROUPS : 1);
    team.run(shares.count(), this);
  }

  /** Outputs that are computed together. */
  private static int unit(CpuWeight weight) {
    return weight.quantization() == null ? Kernels.DOTS : Quantization.ROWS;
  }

  /** Lays the rows out as the weights' groups are, or as blocks are multiplied with. */
  private void arrange(float[] input, CpuWeight weight) {
    if (weight.quantization() != null) {
      blocks.round(input, rows, weight);
      return;
    }
    stride = weight.columns();
    in = memory.take(AlignedFloats.BEGIN + (long) rows * stride);
    kernels.arrange(weight, input, 0, rows * stride, in, AlignedFloats.BEGIN);
  }

  @Override
  public void run(int part, int worker) {
    int begin = shares.begin(part);
    int end = shares.end(part);
    int first = 0;
    for (int i = 0; i < count && first < end; i++) {
      int from = Math.max(begin, first) - first;
      int to = Math.min(end, unitEnds[i]) - first;
      if (from >= to) {
        // The part has none of this weight's.
      } else if (weights[i].quantization() == null) {
        products(i, from * Kernels.DOTS, Math.min(weights[i].rows(), to * Kernels.DOTS), worker);
      } else {
        blocks.run(outs[i], weights[i], biases[i], from, to, worker);
      }
      first = unitEnds[i];
    }
  }

  /** Computes the outputs {@code [begin, end)} of a weight as it is stored. */
  private void products(int index, int begin, int end, int worker) {
    // The outputs of a group lie far apart: each is a long stream for the prefetcher.
    int step = (end - begin) / Kernels.DOTS;
    for (int o = begin; o < begin + step; o++) {
      dots(index, o, step, dots[worker]);
    }
    if (begin + step * Kernels.DOTS < end) {
      // The last ones' group moves back to be full: what it computes twice is the same.
      dots(index, end - Kernels.DOTS, 1, dots[worker]);
    }
  }

  /** Computes the outputs {@code output + i * step}. */
  private void dots(int index, int output, int step, float[] sums) {
    CpuWeight weight = weights[index];
    float[] out = outs[index];
    float[] bias = biases[index];
    for (int row = 0; row < rows; row++) {
      kernels.dots(weight, output, step, in, AlignedFloats.BEGIN + row * stride, sums);
      for (int i = 0; i < Kernels.DOTS; i++) {
        int o = output + i * step;
        float sum = kernels.sum(sums, i * lanes);
        // One store: two threads may compute this element at a time.
        out[row * weight.rows() + o] = bias == null ? sum : sum + bias[o];
      }
    }
  }
}
