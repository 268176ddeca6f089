package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import dev.lowpass.kernels.onednn.OneDnn;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Runs where the processor has what oneDNN needs. */
class OneDnnLinearTest {
  private static final int[][] SHAPES = {
    {1, 1}, {3, 7}, {13, 127}, {49, 192}, {192, 576}, {203, 513}, {520, 64}, {9, 2432}
  };
  private static final int[] ROWS = {1, 2, 15, 16, 17, 40, 64, 65, 130, 261, 600};

  private static OneDnn library;

  @BeforeAll
  static void loads() throws Exception {
    Path cpus = Path.of("/proc/cpuinfo");
    assumeTrue(Files.exists(cpus) && Files.readString(cpus).contains(" avx512_bf16 "));
    library = OneDnn.get();
  }

  private static CpuDevice open(int threads) {
    return new CpuDevice(new VectorKernels(), threads, library, new WeightMemory());
  }

  /** The nearest BF16, ties to even, by another way than by bits. */
  private static float rounded(float value) {
    float ulp = Math.scalb(1f, Math.getExponent(value) - 7);
    return (float) Math.rint(value / ulp) * ulp;
  }

  private static float[] rounded(float[] values) {
    float[] rounded = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      rounded[i] = rounded(values[i]);
    }
    return rounded;
  }

  @Test
  void multipliesRoundedRowsInFloat32() {
    Fixture fixture = new Fixture(1);
    try (Device device = open(2)) {
      for (int[] shape : SHAPES) {
        int outputs = shape[0];
        int columns = shape[1];
        float[] w = fixture.floats(DType.BF16, outputs * columns);
        float[] b = fixture.floats(outputs);
        Weight weight = Fixture.weight(device, DType.BF16, outputs, columns, w);
        Weight bias = Fixture.weight(device, DType.F32, 1, outputs, b);
        for (int rows : new int[] {1, 18, 130}) {
          float[] x = fixture.floats(rows * columns);
          Tensor out = device.tensor(rows, outputs);
          device.linear(out, Fixture.tensor(device, rows, columns, x), rows, weight, bias);
          float[] actual = Fixture.all(device, out);
          Products.check(actual, rounded(x), w, b);
        }
      }
    }
  }

  @Test
  void aRowsBitsDependOnNeitherBatchNorThreads() {
    int most = ROWS[ROWS.length - 1];
    for (int[] shape : SHAPES) {
      int outputs = shape[0];
      int columns = shape[1];
      float[] w = new Fixture(2).floats(DType.BF16, outputs * columns);
      float[] x = new Fixture(3).floats(most * columns);
      float[] expected = null;
      for (int threads = 1; threads <= 3; threads++) {
        try (Device device = open(threads)) {
          Weight weight = Fixture.weight(device, DType.BF16, outputs, columns, w);
          Tensor in = Fixture.tensor(device, most, columns, x);
          for (int i = ROWS.length - 1; i >= 0; i--) {
            Tensor out = device.tensor(ROWS[i] + 1, outputs);
            device.linear(out, in, ROWS[i], weight, null);
            float[] actual = Fixture.all(device, out);
            if (expected == null) {
              expected = actual;
            }
            assertThat(Arrays.copyOf(actual, ROWS[i] * outputs))
                .as("%s threads, %s rows of %s x %s", threads, ROWS[i], outputs, columns)
                .isEqualTo(Arrays.copyOf(expected, ROWS[i] * outputs));
            assertThat(device.read(out, ROWS[i])).as("the row behind").containsOnly(0);
          }
        }
      }
    }
  }

  @Test
  void otherTypesGoThroughTheVectorApi() {
    float[] w = new Fixture(4).floats(DType.F16, 40 * 96);
    float[] x = new Fixture(5).floats(20 * 96);
    for (DType type : new DType[] {DType.F32, DType.F16}) {
      try (Device device = open(2);
          Device java = new CpuDevice(new VectorKernels(), 2)) {
        assertThat(product(device, type, w, x)).isEqualTo(product(java, type, w, x));
      }
    }
  }

  private static float[] product(Device device, DType type, float[] w, float[] x) {
    Tensor out = device.tensor(20, 40);
    Weight weight = Fixture.weight(device, type, 40, 96, w);
    device.linear(out, Fixture.tensor(device, 20, 96, x), 20, weight, null);
    return Fixture.all(device, out);
  }

  @Test
  void whatIsNotANumberStaysSoInItsRow() {
    try (Device device = open(1)) {
      float[] x = new Fixture(6).floats(3 * 64);
      x[64] = Float.NaN;
      x[65] = Float.intBitsToFloat(0x7fffffff);
      x[2 * 64] = Float.POSITIVE_INFINITY;
      float[] ones = new float[4 * 64];
      Arrays.fill(ones, 1);
      Weight weight = Fixture.weight(device, DType.BF16, 4, 64, ones);
      Tensor out = device.tensor(3, 4);
      device.linear(out, Fixture.tensor(device, 3, 64, x), 3, weight, null);
      for (float value : device.read(out, 0)) {
        assertThat(value).isFinite();
      }
      assertThat(device.read(out, 1)).containsOnly(Float.NaN);
      assertThat(device.read(out, 2)).containsOnly(Float.POSITIVE_INFINITY);
    }
  }

  @Test
  void saysWhatItComputesWith() {
    try (Device device = open(2)) {
      assertThat(device.description()).matches("cpu \\(Vector API, .*, oneDNN 3\\..* 2 threads\\)");
    }
  }
}
