package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Projection;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class LinearTest {
  static final int[][] SHAPES = {
    {1, 1},
    {1, 8},
    {2, 3},
    {3, 7},
    {4, 8},
    {5, 13},
    {7, 64},
    {8, 16},
    {13, 127},
    {49, 192},
    {100, 513},
    {6, 1030},
    {203, 576},
    {9, 2432}
  };
  static final int[] ROWS = {1, 2, 3, 4, 5, 7, 8, 13, 64, 130, 261};

  static Stream<Arguments> cases() {
    List<Arguments> cases = new ArrayList<>();
    for (Kernels kernels : Fixture.KERNELS) {
      for (DType type : DType.values()) {
        cases.add(Arguments.of(kernels, type));
      }
    }
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void matchesDoubleArithmetic(Kernels kernels, DType type) {
    Fixture fixture = new Fixture(1);
    try (Device device = new CpuDevice(kernels, 2)) {
      for (int[] shape : SHAPES) {
        int outputs = shape[0];
        int columns = shape[1];
        float[] w = fixture.floats(type, outputs * columns);
        float[] b = fixture.floats(type, outputs);
        Weight weight = Fixture.weight(device, type, outputs, columns, w);
        Weight bias = Fixture.weight(device, type, 1, outputs, b);
        for (int rows : new int[] {1, 3, 4, 9, 130}) {
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
  void aRowsBitsDependOnNeitherBatchNorThreads(Kernels kernels, DType type) {
    for (int[] shape : SHAPES) {
      int outputs = shape[0];
      int columns = shape[1];
      float[] w = new Fixture(2).floats(type, outputs * columns);
      float[] x = new Fixture(3).floats(ROWS[ROWS.length - 1] * columns);
      float[] expected = null;
      for (int threads = 1; threads <= 3; threads++) {
        try (Device device = new CpuDevice(kernels, threads)) {
          Weight weight = Fixture.weight(device, type, outputs, columns, w);
          Tensor in = Fixture.tensor(device, ROWS[ROWS.length - 1], columns, x);
          for (int i = ROWS.length - 1; i >= 0; i--) {
            Tensor out = device.tensor(ROWS[i], outputs);
            device.linear(out, in, ROWS[i], weight, null);
            float[] actual = Fixture.all(device, out);
            if (expected == null) {
              expected = actual;
            }
            assertThat(actual)
                .as("%s threads, %s rows of %s x %s", threads, ROWS[i], outputs, columns)
                .isEqualTo(Arrays.copyOf(expected, actual.length));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void rowsBeyondTheBatchAreLeftAlone(Kernels kernels, DType type) {
    try (Device device = new CpuDevice(kernels, 2)) {
      Weight weight = Fixture.weight(device, type, 5, 16, new Fixture(4).floats(type, 80));
      Tensor in = Fixture.tensor(device, 7, 16, new Fixture(5).floats(112));
      Tensor out = device.tensor(7, 5);
      device.linear(out, in, 5, weight, null);
      assertThat(device.read(out, 4)).doesNotContain(0);
      assertThat(device.read(out, 5)).containsOnly(0);
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void severalLayersOfAnInputAreEachAsAlone(Kernels kernels) {
    Fixture fixture = new Fixture(6);
    int columns = 64;
    // All alike; of two types; one that is too small to be read where it is.
    List<List<DType>> types =
        List.of(
            List.of(DType.BF16, DType.BF16, DType.BF16),
            List.of(DType.F32, DType.F32, DType.F32),
            List.of(DType.BF16, DType.F32, DType.F16));
    for (int threads = 1; threads <= 3; threads++) {
      try (Device device = new CpuDevice(kernels, threads)) {
        for (List<DType> ofWeights : types) {
          for (int[] outputs : new int[][] {{576, 193, 191}, {7, 203, 3}}) {
            for (int rows : new int[] {1, 3, 5}) {
              Tensor in = Fixture.tensor(device, rows, columns, fixture.floats(rows * columns));
              List<Projection> projections = new ArrayList<>();
              for (int i = 0; i < outputs.length; i++) {
                DType type = ofWeights.get(i);
                float[] elements = fixture.floats(type, outputs[i] * columns);
                float[] addends = fixture.floats(outputs[i]);
                Weight weight = Fixture.weight(device, type, outputs[i], columns, elements);
                Weight bias =
                    i == 1 ? null : Fixture.weight(device, DType.F32, 1, outputs[i], addends);
                projections.add(new Projection(device.tensor(rows, outputs[i]), weight, bias));
              }
              device.linear(in, rows, projections);
              for (Projection projection : projections) {
                Tensor alone = device.tensor(rows, projection.weight().rows());
                device.linear(alone, in, rows, projection.weight(), projection.bias());
                assertThat(Fixture.all(device, projection.out()))
                    .as("%s threads, %s rows of %s", threads, rows, projection.weight())
                    .isEqualTo(Fixture.all(device, alone));
              }
            }
          }
        }
      }
    }
  }

  static Stream<Kernels> kernels() {
    return Fixture.KERNELS.stream();
  }

  /** All 65536 halves and bfloats, read by one row, by many, and as an embedding. */
  @ParameterizedTest
  @MethodSource("kernels")
  void everyShortFloatIsReadExactly(Kernels kernels) {
    ByteBuffer bits = ByteBuffer.allocateDirect(2 << 16).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 1 << 16; i++) {
      bits.putShort(2 * i, (short) i);
    }
    int columns = 64;
    int outputs = (1 << 16) / columns;
    try (Device device = new CpuDevice(kernels, 1)) {
      for (DType type : new DType[] {DType.F16, DType.BF16}) {
        Weight table = device.weight("all", type, outputs, columns, bits.duplicate());
        for (int rows : new int[] {1, 4}) {
          for (int c = 0; c < columns; c++) {
            // A row that is one in one channel picks that channel of every output, unless another
            // channel is infinite or NaN: 0 times that is NaN.
            float[] unit = new float[rows * columns];
            unit[c] = 1;
            Tensor out = device.tensor(rows, outputs);
            device.linear(out, Fixture.tensor(device, rows, columns, unit), rows, table, null);
            float[] picked = device.read(out, 0);
            for (int o = 0; o < outputs; o++) {
              boolean finiteRow =
                  Float.isFinite(reference(type, o * columns))
                      && Float.isFinite(reference(type, o * columns + columns - 1));
              if (finiteRow) {
                assertThat(picked[o]).isEqualTo(reference(type, o * columns + c));
              } else {
                assertThat(picked[o]).isNaN();
              }
            }
          }
        }
        Tensor rows = device.tensor(outputs, columns);
        int[] tokens = new int[outputs];
        Arrays.setAll(tokens, i -> i);
        device.embed(rows, table, tokens);
        float[] expected = new float[1 << 16];
        for (int i = 0; i < expected.length; i++) {
          expected[i] = reference(type, i);
        }
        assertThat(Fixture.all(device, rows)).isEqualTo(expected);
      }
    }
  }

  /** IEEE 754's definition of the formats, in double arithmetic. */
  private static float reference(DType type, int bits) {
    int fractionBits = type == DType.F16 ? 10 : 7;
    int bias = type == DType.F16 ? 15 : 127;
    int exponent = (bits & 0x7fff) >>> fractionBits;
    int fraction = bits & (1 << fractionBits) - 1;
    double sign = (bits & 0x8000) == 0 ? 1 : -1;
    if (exponent == 2 * bias + 1) {
      return fraction == 0 ? (float) (sign * Float.POSITIVE_INFINITY) : Float.NaN;
    }
    double scale = Math.pow(2, Math.max(1, exponent) - bias - fractionBits);
    return (float) (sign * ((exponent == 0 ? 0 : 1 << fractionBits) + fraction) * scale);
  }

  @Test
  void infiniteHalvesStayInfinite() {
    for (Kernels kernels : Fixture.KERNELS) {
      try (Device device = new CpuDevice(kernels, 1)) {
        ByteBuffer bits = ByteBuffer.allocateDirect(2 * 256).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 256; i++) {
          bits.putShort(2 * i, (short) (i < 128 ? 0x7c00 : 0xfc00));
        }
        Weight weight = device.weight("inf", DType.F16, 4, 64, bits);
        float[] ones = new float[4 * 64];
        Arrays.fill(ones, 1);
        for (int rows : new int[] {1, 4}) {
          Tensor out = device.tensor(rows, 4);
          device.linear(
              out,
              Fixture.tensor(device, rows, 64, Arrays.copyOf(ones, rows * 64)),
              rows,
              weight,
              null);
          assertThat(device.read(out, 0))
              .containsExactly(
                  Float.POSITIVE_INFINITY,
                  Float.POSITIVE_INFINITY,
                  Float.NEGATIVE_INFINITY,
                  Float.NEGATIVE_INFINITY);
        }
      }
    }
  }
}
