package dev.lowpass.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LinearEmulatedTest {
  private static final int[][] SHAPES = {
    {1, 1}, {3, 7}, {33, 24}, {100, 172}, {257, 64}, {65, 576}
  };

  /** Within the rounding of the inputs to the storage type, and of sums in float. */
  @ParameterizedTest
  @EnumSource(DType.class)
  void matchesTheCpu(DType storage) {
    try (Twin twin = new Twin(storage, 1)) {
      for (int[] shape : SHAPES) {
        int outputs = shape[0];
        int columns = shape[1];
        float[] w = twin.floats(outputs * columns);
        float[] b = twin.floats(outputs);
        for (int rows : new int[] {1, 8, 11, 30, 64, 130}) {
          float[] x = twin.floats(rows * columns);
          // Not what the storage type holds.
          for (int i = 0; i < x.length; i++) {
            x[i] *= 1.1f;
          }
          Twin.Results results =
              twin.run(
                  device -> {
                    Tensor in = Twin.tensor(device, rows, columns, x);
                    Tensor out = device.tensor(rows + 1, outputs);
                    Weight weight = Twin.weight(device, DType.BF16, outputs, columns, w);
                    Weight bias = Twin.weight(device, DType.BF16, 1, outputs, b);
                    device.linear(out, in, rows, weight, bias);
                    Tensor plain = device.tensor(rows, outputs);
                    device.linear(plain, in, rows, weight, null);
                    device.linear(plain, in, 0, weight, null);
                    return Twin.all(device, out, plain);
                  });
          results.areWithin(
              i -> {
                int row = i / outputs % (rows + 1);
                double magnitude = Math.abs(b[i % outputs]);
                for (int c = 0; c < columns; c++) {
                  magnitude += Math.abs(x[row % rows * columns + c] * w[i % outputs * columns + c]);
                }
                return magnitude * (twin.rounding() + 4 * 0x1p-24 * Math.sqrt(columns));
              });
        }
      }
    }
  }

  /** Whatever tile its batch takes. */
  @ParameterizedTest
  @EnumSource(DType.class)
  void aRowsBitsDoNotDependOnItsBatch(DType storage) {
    int outputs = 40;
    int columns = 200;
    int most = 300;
    try (Twin twin = new Twin(storage, 2)) {
      float[] x = twin.floats(most * columns);
      CudaDevice device = twin.cuda();
      Weight weight =
          Twin.weight(device, DType.BF16, outputs, columns, twin.floats(outputs * columns));
      Tensor in = Twin.tensor(device, most, columns, x);
      Tensor out = device.tensor(most, outputs);
      device.linear(out, in, most, weight, null);
      float[] expected = Twin.all(device, out);
      for (int rows : new int[] {1, 9, 20, 50, 100, 129}) {
        Tensor few = device.tensor(rows, columns);
        device.copyRows(few, 0, in, most - rows, rows);
        device.linear(out, few, rows, weight, null);
        assertThat(Arrays.copyOf(Twin.all(device, out), rows * outputs))
            .as("%s rows", rows)
            .isEqualTo(Arrays.copyOfRange(expected, (most - rows) * outputs, most * outputs));
      }
    }
  }
}
