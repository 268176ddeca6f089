package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.Rope;
import java.util.Arrays;

/**
 * Cosines and sines of the positions asked for last: a decoder rotates queries and keys of all its
 * layers by the same ones.
 */
final class CpuRope implements Rope {
  private final double[] inverseFrequencies;
  private final double attentionFactor;
  private float[] positions = new float[0];
  private int prepared;
  private float[] cosines = new float[0];
  private float[] sines = new float[0];
  private Turns turns = new Turns(new float[0], new float[0], 0);

  CpuRope(double[] inverseFrequencies, double attentionFactor) {
    if (inverseFrequencies.length == 0) {
      throw new IllegalArgumentException("a rotary embedding needs at least one frequency");
    }
    this.inverseFrequencies = inverseFrequencies.clone();
    this.attentionFactor = attentionFactor;
  }

  @Override
  public int headDim() {
    return 2 * inverseFrequencies.length;
  }

  double attentionFactor() {
    return attentionFactor;
  }

  /** {@code [positions, headDim / 2]}, after {@link #prepare}. */
  float[] cosines() {
    return cosines;
  }

  /** {@code [positions, headDim / 2]}, after {@link #prepare}. */
  float[] sines() {
    return sines;
  }

  /**
   * Turns by one position each, the attention factor left out.
   *
   * @param cosines {@code [headDim / 2, stride]}: a pair's cosines at positions 0, 1, 2, ...
   * @param sines as the cosines
   */
  record Turns(float[] cosines, float[] sines, int stride) {}

  /** The table that {@link #prepareTurns} made. */
  Turns turns() {
    return turns;
  }

  /** Makes a table of the turns of at least {@code positions} positions, and keeps it. */
  void prepareTurns(int positions) {
    if (positions > turns.stride) {
      int half = inverseFrequencies.length;
      int size = Sizes.elements("a table of angles", half, positions);
      turns = new Turns(new float[size], new float[size], positions);
      for (int pair = 0; pair < half; pair++) {
        for (int position = 0; position < positions; position++) {
          double angle = angle(pair, position);
          turns.cosines[pair * positions + position] = (float) Math.cos(angle);
          turns.sines[pair * positions + position] = (float) Math.sin(angle);
        }
      }
    }
  }

  /** Fills the tables for the first {@code rows} of some positions. */
  void prepare(float[] asked, int rows, Team team) {
    if (Arrays.equals(asked, 0, rows, positions, 0, prepared)) {
      return;
    }
    int half = inverseFrequencies.length;
    int size = Sizes.elements("a table of angles", rows, half);
    if (size > cosines.length) {
      cosines = new float[size];
      sines = new float[size];
    }
    prepared = 0;
    int rowsAPart = 16;
    team.run(
        Sizes.ceilDiv(rows, rowsAPart),
        (part, worker) -> {
          int end = Math.min(rows, (part + 1) * rowsAPart);
          for (int row = part * rowsAPart; row < end; row++) {
            fill(asked[row], row * half);
          }
        });
    if (positions.length < rows) {
      positions = new float[rows];
    }
    System.arraycopy(asked, 0, positions, 0, rows);
    prepared = rows;
  }

  /** Radians that a pair of channels turns by at a position. */
  double angle(int pair, double position) {
    return position * inverseFrequencies[pair];
  }

  private void fill(double position, int offset) {
    for (int i = 0; i < inverseFrequencies.length; i++) {
      double angle = angle(i, position);
      cosines[offset + i] = (float) (Math.cos(angle) * attentionFactor);
      sines[offset + i] = (float) (Math.sin(angle) * attentionFactor);
    }
  }
}
