package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.util.Arrays;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ElementwiseTest {
  private static final int[] SIZES = {1, 3, 7, 8, 13, 16, 31, 64, 127, 130, 576};

  static Stream<Kernels> kernels() {
    return Fixture.KERNELS.stream();
  }

  private static Offset<Double> ulps(double ulps, double value) {
    return within(ulps * Math.ulp((float) Math.abs(value)) + Float.MIN_NORMAL);
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void rmsNormOfRowsAndOfHeads(Kernels kernels) {
    try (Device device = new CpuDevice(kernels, 2)) {
      for (int size : SIZES) {
        for (int groups : new int[] {1, 3}) {
          int rows = 5;
          int columns = size * groups;
          float[] x = new Fixture(size).floats(rows * columns);
          float[] g = new Fixture(9).floats(DType.BF16, size);
          Tensor tensor = Fixture.tensor(device, rows, columns, x);
          Tensor out = device.tensor(rows, columns);
          Weight gain = Fixture.weight(device, DType.BF16, 1, size, g);
          device.rmsNorm(out, tensor, rows - 1, gain, 1e-5f);
          float[] actual = Fixture.all(device, out);
          for (int i = 0; i < (rows - 1) * columns; i++) {
            double mean = 0;
            for (int j = i / size * size; j < i / size * size + size; j++) {
              mean += (double) x[j] * x[j] / size;
            }
            double expected = x[i] / Math.sqrt(mean + 1e-5f) * g[i % size];
            assertThat((double) actual[i]).isCloseTo(expected, ulps(8, expected));
          }
          assertThat(device.read(out, rows - 1)).containsOnly(0);
          device.rmsNorm(tensor, tensor, rows - 1, gain, 1e-5f);
          assertThat(device.read(tensor, 1)).isEqualTo(device.read(out, 1));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void swiglu(Kernels kernels) {
    try (Device device = new CpuDevice(kernels, 2)) {
      for (int size : SIZES) {
        float[] gate = new Fixture(size).floats(3 * size);
        for (int i = 0; i < gate.length; i++) {
          gate[i] *= 12;
        }
        float[] up = new Fixture(2).floats(3 * size);
        Tensor tensor = Fixture.tensor(device, 3, size, gate);
        device.swiglu(tensor, Fixture.tensor(device, 3, size, up), 2);
        float[] actual = Fixture.all(device, tensor);
        for (int i = 0; i < 2 * size; i++) {
          double expected = gate[i] / (1 + Math.exp(-(double) gate[i])) * up[i];
          assertThat((double) actual[i])
              .as("silu(%s)", gate[i])
              .isCloseTo(expected, ulps(5, expected));
        }
        assertThat(device.read(tensor, 2)).isEqualTo(Arrays.copyOfRange(gate, 2 * size, 3 * size));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void swigluOfExtremes(Kernels kernels) {
    float[] gate = {100, 1e30f, -100, -1e30f, 0, Float.POSITIVE_INFINITY, Float.NaN, -87.5f};
    float[] ones = new float[gate.length];
    Arrays.fill(ones, 1);
    try (Device device = new CpuDevice(kernels, 1)) {
      Tensor tensor = Fixture.tensor(device, 1, gate.length, gate);
      device.swiglu(tensor, Fixture.tensor(device, 1, gate.length, ones), 1);
      float[] actual = device.read(tensor, 0);
      assertThat(actual[0]).isEqualTo(100);
      assertThat(actual[1]).isEqualTo(1e30f);
      assertThat(actual[2]).isCloseTo(0, within(1e-37f));
      assertThat(actual[3]).isZero();
      assertThat(actual[4]).isZero();
      assertThat(actual[5]).isEqualTo(Float.POSITIVE_INFINITY);
      assertThat(actual[6]).isNaN();
      assertThat(actual[7]).isCloseTo(-8.7e-37f, within(1e-37f));
    }
  }

  /** Every exponential from e^-90 to 1, as softmax asks for them. */
  @ParameterizedTest
  @MethodSource("kernels")
  void exponentials(Kernels kernels) {
    float[] scores = new float[Kernels.BLOCK];
    double worst = 0;
    for (int i = 0; i < 1 << 14; i++) {
      float[] x = new float[Kernels.BLOCK];
      for (int j = 0; j < x.length; j++) {
        x[j] = -90f * (i * Kernels.BLOCK + j) / (Kernels.BLOCK << 14);
      }
      System.arraycopy(x, 0, scores, 0, x.length);
      float[] sums = new float[kernels.lanes()];
      kernels.exp(scores, 0, 0, sums, 0);
      float sum = kernels.sum(sums, 0);
      double total = 0;
      for (int j = 0; j < x.length; j++) {
        double expected = Math.exp(x[j]);
        total += scores[j];
        if (x[j] < -86) {
          assertThat((double) scores[j]).isBetween(0.0, 4.6e-38);
        } else {
          worst = Math.max(worst, Math.abs(scores[j] - expected) / Math.ulp((float) expected));
        }
      }
      assertThat((double) sum).isCloseTo(total, ulps(32, total));
    }
    assertThat(worst).isLessThan(2);
    Arrays.fill(scores, Float.NEGATIVE_INFINITY);
    scores[5] = 3;
    float[] sums = new float[kernels.lanes()];
    sums[0] = 2;
    kernels.exp(scores, 0, 3, sums, 0);
    assertThat(kernels.sum(sums, 0)).isEqualTo(3);
    assertThat(scores[4]).isZero();
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void rotationOfRealPositions(Kernels kernels) {
    float[] positions = {0, 1, 2.5f, 100000, 131071.5f};
    try (Device device = new CpuDevice(kernels, 2)) {
      for (int headDim : new int[] {2, 6, 16, 20, 64, 128}) {
        double[] frequencies = new double[headDim / 2];
        Arrays.setAll(frequencies, i -> Math.pow(10000, -2.0 * i / headDim));
        Rope rope = device.rope(frequencies, 1.25);
        assertThat(rope.headDim()).isEqualTo(headDim);
        int columns = 3 * headDim;
        float[] x = new Fixture(headDim).floats(6 * columns);
        Tensor tensor = Fixture.tensor(device, 6, columns, x);
        Tensor places = Fixture.tensor(device, 5, 1, positions);
        Tensor others = Fixture.tensor(device, 5, 1, 0, 1, 2.5f, 7, 131071.5f);
        // Positions from before must not be taken for these.
        device.rotate(device.tensor(5, columns), rope, others, 5);
        device.rotate(tensor, rope, places, positions.length);
        float[] actual = Fixture.all(device, tensor);
        for (int row = 0; row < positions.length; row++) {
          for (int head = 0; head < 3; head++) {
            for (int i = 0; i < headDim / 2; i++) {
              int at = row * columns + head * headDim + i;
              double angle = positions[row] * frequencies[i];
              double cos = 1.25 * Math.cos(angle);
              double sin = 1.25 * Math.sin(angle);
              double a = x[at];
              double b = x[at + headDim / 2];
              double tolerance = 0x1p-22 * (Math.abs(a) + Math.abs(b));
              assertThat((double) actual[at]).isCloseTo(a * cos - b * sin, within(tolerance));
              assertThat((double) actual[at + headDim / 2])
                  .isCloseTo(b * cos + a * sin, within(tolerance));
            }
          }
        }
        assertThat(device.read(tensor, 5))
            .isEqualTo(Arrays.copyOfRange(x, 5 * columns, 6 * columns));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void addGatherEmbedAndRead(Kernels kernels) {
    try (Device device = new CpuDevice(kernels, 2)) {
      float[] x = new Fixture(1).floats(4 * 7);
      float[] y = new Fixture(2).floats(4 * 7);
      Tensor sum = Fixture.tensor(device, 4, 7, x);
      device.add(sum, Fixture.tensor(device, 4, 7, y), 3);
      for (int i = 0; i < 7; i++) {
        assertThat(device.read(sum, 2)[i]).isEqualTo(x[14 + i] + y[14 + i]);
        assertThat(device.read(sum, 3)[i]).isEqualTo(x[21 + i]);
      }
      Tensor gathered = device.tensor(3, 7);
      device.gatherRows(gathered, sum, new int[] {3, 0, 3});
      assertThat(device.read(gathered, 0)).isEqualTo(device.read(sum, 3));
      assertThat(device.read(gathered, 1)).isEqualTo(device.read(sum, 0));
      assertThat(device.read(gathered, 2)).isEqualTo(device.read(sum, 3));
      float[] table = new Fixture(3).floats(DType.F16, 5 * 7);
      Tensor embedded = device.tensor(2, 7);
      device.embed(embedded, Fixture.weight(device, DType.F16, 5, 7, table), new int[] {4, 1});
      assertThat(device.read(embedded, 0)).isEqualTo(Arrays.copyOfRange(table, 28, 35));
      assertThat(device.read(embedded, 1)).isEqualTo(Arrays.copyOfRange(table, 7, 14));
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void argmaxTakesTheLowestOfEquals(Kernels kernels) {
    try (Device device = new CpuDevice(kernels, 2)) {
      for (int size : SIZES) {
        float[] x = new Fixture(size).floats(4 * size);
        Arrays.fill(x, size, 2 * size, Float.NEGATIVE_INFINITY);
        Arrays.fill(x, 2 * size, 3 * size, -2f);
        x[3 * size - 1] = 9;
        x[2 * size + size / 2] = 9;
        Tensor tensor = Fixture.tensor(device, 4, size, x);
        int[] actual = device.argmax(tensor, 3);
        int expected = 0;
        for (int i = 1; i < size; i++) {
          expected = x[i] > x[expected] ? i : expected;
        }
        assertThat(actual).containsExactly(expected, 0, size / 2);
        for (int bad = 0; bad < size; bad++) {
          x[bad] = Float.NaN;
          Tensor broken = Fixture.tensor(device, 4, size, x);
          assertThatThrownBy(() -> device.argmax(broken, 1))
              .isInstanceOf(IllegalStateException.class)
              .hasMessageContaining("NaN");
          x[bad] = 0;
        }
      }
    }
  }
}
