package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Quantization;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Products with weights in blocks. */
class BlockLinearTest {
  /** Of several groups of outputs, whole and not, of one panel and of several. */
  private static final int[][] SHAPES = {
    {1, 1}, {4, 8}, {7, 64}, {31, 33}, {32, 32}, {33, 127}, {100, 513}, {200, 64}, {300, 96}
  };

  static Stream<Arguments> cases() {
    List<Arguments> cases = new ArrayList<>();
    for (Kernels kernels : Fixture.KERNELS) {
      for (Quantization quantization : Quantization.values()) {
        cases.add(Arguments.of(kernels, quantization));
      }
    }
    return cases.stream();
  }

  /** The weight's numbers, as {@code QuantizationTest} has them; rows that are not rounded. */
  @ParameterizedTest
  @MethodSource("cases")
  void matchesDoubleArithmetic(Kernels kernels, Quantization quantization) {
    Fixture fixture = new Fixture(1);
    try (Device device = new CpuDevice(kernels, 2)) {
      for (int[] shape : SHAPES) {
        int outputs = shape[0];
        int columns = shape[1];
        ByteBuffer blocks = blocks(quantization, outputs, columns, fixture);
        float[] w = dense(quantization, outputs, columns, blocks);
        Weight weight = device.blocks("w", quantization, outputs, columns, blocks);
        float[] b = fixture.floats(outputs);
        Weight bias = Fixture.weight(device, DType.F32, 1, outputs, b);
        for (int rows : new int[] {1, 3, 4, 9, 70}) {
          float[] x = wholeMultiples(fixture, rows, columns, quantization.blockColumns());
          Tensor out = device.tensor(rows, outputs);
          device.linear(out, Fixture.tensor(device, rows, columns, x), rows, weight, bias);
          float[] actual = Fixture.all(device, out);
          Products.check(actual, x, w, b);
        }
      }
    }
  }

  /** As a small heap makes it. */
  @ParameterizedTest
  @EnumSource(Quantization.class)
  void weightsThatStayMappedGiveTheSameBits(Quantization quantization) {
    Fixture fixture = new Fixture(8);
    for (int[] shape : SHAPES) {
      int outputs = shape[0];
      int columns = shape[1];
      ByteBuffer blocks = blocks(quantization, outputs, columns, fixture);
      for (int rows : new int[] {1, 3, 9}) {
        float[] x = fixture.floats(rows * columns);
        List<float[]> results = new ArrayList<>();
        for (long most : new long[] {0, 1 << 26}) {
          try (Device device =
              new CpuDevice(new VectorKernels(), 2, null, new WeightMemory(most, () -> most))) {
            Weight weight = device.blocks("w", quantization, outputs, columns, blocks.duplicate());
            Tensor out = device.tensor(rows, outputs);
            device.linear(out, Fixture.tensor(device, rows, columns, x), rows, weight, null);
            results.add(Fixture.all(device, out));
          }
        }
        assertThat(results.get(0))
            .as("%s rows of %s x %s", rows, outputs, columns)
            .isEqualTo(results.get(1));
      }
    }
  }

  /** Rows of integers times a power of two a block, where 127 is the largest: none is rounded. */
  private static float[] wholeMultiples(Fixture fixture, int rows, int columns, int blockColumns) {
    float[] x = fixture.floats(rows * columns);
    for (int row = 0; row < rows; row++) {
      for (int begin = 0; begin < columns; begin += blockColumns) {
        float scale = (float) Math.pow(2, begin / blockColumns % 9 - 4);
        for (int c = begin; c < Math.min(columns, begin + blockColumns); c++) {
          int i = row * columns + c;
          int integer = Math.round(Math.max(-127, Math.min(127, 50 * x[i])));
          x[i] = scale * (c == begin ? Math.copySign(127, x[i]) : integer);
        }
      }
    }
    return x;
  }

  /** An element is off by half of a 127th of its block's largest magnitude at the most. */
  @ParameterizedTest
  @MethodSource("cases")
  void rowsAreRoundedToTheNearestMultiple(Kernels kernels, Quantization quantization) {
    int columns = 150;
    int blockColumns = quantization.blockColumns();
    // The unit matrix: what comes out are the rows themselves, rounded.
    float[] unit = new float[columns * columns];
    for (int i = 0; i < columns; i++) {
      unit[i * columns + i] = 1;
    }
    ByteBuffer blocks = quantized(quantization, columns, columns, unit);
    float[] w = dense(quantization, columns, columns, blocks);
    try (Device device = new CpuDevice(kernels, 1)) {
      Weight weight = device.blocks("w", quantization, columns, columns, blocks);
      for (int rows : new int[] {1, 4}) {
        float[] x = new Fixture(7).floats(rows * columns);
        Tensor out = device.tensor(rows, columns);
        device.linear(out, Fixture.tensor(device, rows, columns, x), rows, weight, null);
        boolean rounded = false;
        for (int i = 0; i < rows * columns; i++) {
          int begin = i % columns / blockColumns * blockColumns;
          float largest = 0;
          for (int c = begin; c < Math.min(columns, begin + blockColumns); c++) {
            largest = Math.max(largest, Math.abs(x[i / columns * columns + c]));
          }
          float one = w[i % columns * columns + i % columns];
          double error = Math.abs(device.read(out, i / columns)[i % columns] / one - x[i]);
          assertThat(error).isLessThanOrEqualTo(largest / 127 * 0.5 * (1 + 1e-4));
          rounded |= error > largest / 127 * 0.4;
        }
        assertThat(rounded).isTrue();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void whatIsNotFiniteStaysSo(Kernels kernels, Quantization quantization) {
    int columns = 2 * quantization.blockColumns();
    try (Device device = new CpuDevice(kernels, 1)) {
      ByteBuffer blocks = blocks(quantization, 3, columns, new Fixture(8));
      Weight weight = device.blocks("w", quantization, 3, columns, blocks);
      for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
        for (int rows : new int[] {2, 5}) {
          float[] x = new Fixture(9).floats(rows * columns);
          x[columns + 3] = bad;
          Arrays.fill(x, 0, columns, Float.MIN_VALUE);
          Tensor out = device.tensor(rows, 3);
          device.linear(out, Fixture.tensor(device, rows, columns, x), rows, weight, null);
          assertThat(device.read(out, 0)).containsOnly(0);
          assertThat(device.read(out, 1)).containsOnly(Float.NaN);
        }
      }
    }
  }

  /** Sums are exact, and the rest is float32 in one order: the loops agree to the bit. */
  @ParameterizedTest
  @EnumSource(Quantization.class)
  void allLoopsHaveTheSameBits(Quantization quantization) {
    for (int[] shape : SHAPES) {
      ByteBuffer blocks = blocks(quantization, shape[0], shape[1], new Fixture(5));
      float[] x = new Fixture(6).floats(4 * shape[1]);
      for (int rows : new int[] {1, 4}) {
        float[] expected = null;
        for (Kernels kernels : Fixture.KERNELS) {
          try (Device device = new CpuDevice(kernels, 1)) {
            Weight weight =
                device.blocks("w", quantization, shape[0], shape[1], blocks.duplicate());
            Tensor out = device.tensor(rows, shape[0]);
            float[] in = Arrays.copyOf(x, rows * shape[1]);
            device.linear(out, Fixture.tensor(device, rows, shape[1], in), rows, weight, null);
            float[] actual = Fixture.all(device, out);
            expected = expected == null ? actual : expected;
            assertThat(actual).isEqualTo(expected);
          }
        }
      }
    }
  }

  /** The largest sums that there are. */
  @ParameterizedTest
  @MethodSource("cases")
  void extremesDoNotOverflow(Kernels kernels, Quantization quantization) {
    int columns = quantization.blockColumns();
    float[] matrix = new float[2 * columns];
    // The extreme of four bits is -8 times the scale.
    Arrays.fill(matrix, 0, columns, quantization == Quantization.INT8 ? 127 : -8);
    Arrays.fill(matrix, columns, 2 * columns, quantization == Quantization.INT8 ? -127 : 8);
    ByteBuffer blocks = quantized(quantization, 2, columns, matrix);
    float[] w = dense(quantization, 2, columns, blocks);
    try (Device device = new CpuDevice(kernels, 1)) {
      Weight weight = device.blocks("w", quantization, 2, columns, blocks);
      for (int rows : new int[] {1, 4}) {
        for (float extreme : new float[] {127, -127}) {
          float[] x = new float[rows * columns];
          Arrays.fill(x, extreme);
          Tensor out = device.tensor(rows, 2);
          device.linear(out, Fixture.tensor(device, rows, columns, x), rows, weight, null);
          for (int o = 0; o < 2; o++) {
            assertThat(device.read(out, rows - 1)[o]).isEqualTo(columns * extreme * w[o * columns]);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void aRowsBitsDependOnNeitherBatchNorThreads(Kernels kernels, Quantization quantization) {
    int most = LinearTest.ROWS[LinearTest.ROWS.length - 1];
    for (int[] shape : SHAPES) {
      int outputs = shape[0];
      int columns = shape[1];
      ByteBuffer blocks = blocks(quantization, outputs, columns, new Fixture(2));
      float[] x = new Fixture(3).floats(most * columns);
      float[] expected = null;
      for (int threads = 1; threads <= 3; threads++) {
        try (Device device = new CpuDevice(kernels, threads)) {
          Weight weight = device.blocks("w", quantization, outputs, columns, blocks.duplicate());
          Tensor in = Fixture.tensor(device, most, columns, x);
          for (int i = LinearTest.ROWS.length - 1; i >= 0; i--) {
            Tensor out = device.tensor(LinearTest.ROWS[i], outputs);
            device.linear(out, in, LinearTest.ROWS[i], weight, null);
            float[] actual = Fixture.all(device, out);
            if (expected == null) {
              expected = actual;
            }
            assertThat(actual)
                .as("%s threads, %s rows of %s x %s", threads, out.rows(), outputs, columns)
                .isEqualTo(Arrays.copyOf(expected, actual.length));
          }
        }
      }
    }
  }

  /** Scales from the smallest half to the largest, of both signs. */
  @ParameterizedTest
  @MethodSource("cases")
  void everyScaleIsReadExactly(Kernels kernels, Quantization quantization) {
    int outputs = 8;
    int columns = quantization.blockColumns();
    float[] magnitudes = {0x1p-20f, 0x1p-16f, 3e-5f, 1, -1, 700, -70_000, 500_000};
    float[] matrix = new float[outputs * columns];
    for (int o = 0; o < outputs; o++) {
      matrix[o * columns + o] = magnitudes[o];
    }
    ByteBuffer blocks = quantized(quantization, outputs, columns, matrix);
    ByteBuffer dense = quantization.dense(DType.F32, outputs, columns, blocks);
    try (Device device = new CpuDevice(kernels, 1)) {
      Weight weight = device.blocks("w", quantization, outputs, columns, blocks);
      for (int rows : new int[] {1, 4}) {
        // Its block's scale is 1.
        float[] row = new float[rows * columns];
        Arrays.fill(row, 127);
        Tensor out = device.tensor(rows, outputs);
        device.linear(out, Fixture.tensor(device, rows, columns, row), rows, weight, null);
        for (int o = 0; o < outputs; o++) {
          assertThat(device.read(out, 0)[o]).isEqualTo(127 * dense.getFloat(4 * (o * columns + o)));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void areEmbeddings(Kernels kernels, Quantization quantization) {
    ByteBuffer blocks = blocks(quantization, 7, 100, new Fixture(4));
    ByteBuffer dense = quantization.dense(DType.F32, 7, 100, blocks);
    try (Device device = new CpuDevice(kernels, 2)) {
      Weight table = device.blocks("w", quantization, 7, 100, blocks);
      Tensor out = device.tensor(3, 100);
      int[] tokens = {6, 0, 3};
      device.embed(out, table, tokens);
      for (int i = 0; i < tokens.length; i++) {
        for (int c = 0; c < 100; c++) {
          assertThat(device.read(out, i)[c]).isEqualTo(dense.getFloat(4 * (tokens[i] * 100 + c)));
        }
      }
    }
  }

  @Test
  void refusesBuffersOfAnotherSize() {
    try (Device device = new CpuDevice(new PlainKernels(), 1)) {
      assertThatThrownBy(
              () -> device.blocks("a", Quantization.INT4, 3, 70, ByteBuffer.allocateDirect(2175)))
          .hasMessage("a: [3, 70] of INT4 takes 2176 bytes, its data has 2175");
    }
  }

  private static float[] dense(
      Quantization quantization, int outputs, int columns, ByteBuffer blocks) {
    float[] w = new float[outputs * columns];
    quantization.dense(DType.F32, outputs, columns, blocks).asFloatBuffer().get(w);
    return w;
  }

  private static ByteBuffer blocks(
      Quantization quantization, int outputs, int columns, Fixture fixture) {
    return quantized(quantization, outputs, columns, fixture.floats(outputs * columns));
  }

  private static ByteBuffer quantized(
      Quantization quantization, int outputs, int columns, float[] matrix) {
    ByteBuffer blocks = ByteBuffer.allocateDirect((int) quantization.bytes(outputs, columns));
    ByteBuffer stored = Fixture.bytes(DType.F32, matrix);
    quantization.quantize("w", DType.F32, outputs, columns, stored, blocks);
    return blocks;
  }
}
