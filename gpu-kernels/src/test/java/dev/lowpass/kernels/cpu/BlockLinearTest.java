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
import org.junit.jupiter.params.provider.MethodSource;

/** Products with weights in blocks. */
class BlockLinearTest {
  static Stream<Arguments> cases() {
    List<Arguments> cases = new ArrayList<>();
    for (Kernels kernels : Fixture.KERNELS) {
      for (Quantization quantization : Quantization.values()) {
        cases.add(Arguments.of(kernels, quantization));
      }
    }
    return cases.stream();
  }

  /** The blocks' numbers, as {@code QuantizationTest} has them, in float64. */
  @ParameterizedTest
  @MethodSource("cases")
  void matchesDoubleArithmetic(Kernels kernels, Quantization quantization) {
    Fixture fixture = new Fixture(1);
    try (Device device = new CpuDevice(kernels, 2)) {
      for (int[] shape : LinearTest.SHAPES) {
        int outputs = shape[0];
        int columns = shape[1];
        ByteBuffer blocks = blocks(quantization, outputs, columns, fixture);
        float[] w = new float[outputs * columns];
        quantization.dense(DType.F32, outputs, columns, blocks).asFloatBuffer().get(w);
        Weight weight = device.blocks("w", quantization, outputs, columns, blocks);
        float[] b = fixture.floats(outputs);
        Weight bias = Fixture.weight(device, DType.F32, 1, outputs, b);
        for (int rows : new int[] {1, 3, 4, 9, 70}) {
          float[] x = fixture.floats(rows * columns);
          Tensor out = device.tensor(rows, outputs);
          device.linear(out, Fixture.tensor(device, rows, columns, x), rows, weight, bias);
          float[] actual = Fixture.all(device, out);
          Products.check(actual, x, w, b);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void aRowsBitsDependOnNeitherBatchNorThreads(Kernels kernels, Quantization quantization) {
    int most = LinearTest.ROWS[LinearTest.ROWS.length - 1];
    for (int[] shape : LinearTest.SHAPES) {
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
        float[] ones = new float[rows * columns];
        Arrays.fill(ones, 1);
        Tensor out = device.tensor(rows, outputs);
        device.linear(out, Fixture.tensor(device, rows, columns, ones), rows, weight, null);
        for (int o = 0; o < outputs; o++) {
          assertThat(device.read(out, 0)[o]).isEqualTo(dense.getFloat(4 * (o * columns + o)));
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
              () -> device.blocks("a", Quantization.INT4, 3, 70, ByteBuffer.allocateDirect(271)))
          .hasMessage("a: [3, 70] of INT4 takes 272 bytes, its data has 271");
    }
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
