package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** Linear layers in float64, for tests to compare with. */
final class Products {
  private Products() {}

  /**
   * Checks {@code actual[i, o] = sum of x[i, c] * w[o, c] + b[o]}, far below the bound for sums in
   * any order, {@code (columns + 1) * 2^-24 * magnitude}.
   */
  static void check(float[] actual, float[] x, float[] w, float[] b) {
    int outputs = b.length;
    int columns = w.length / outputs;
    int rows = x.length / columns;
    assertThat(actual).hasSize(rows * outputs);
    for (int i = 0; i < rows; i++) {
      for (int o = 0; o < outputs; o++) {
        double sum = b[o];
        double magnitude = Math.abs(b[o]);
        for (int c = 0; c < columns; c++) {
          double product = (double) x[i * columns + c] * w[o * columns + c];
          sum += product;
          magnitude += Math.abs(product);
        }
        assertThat((double) actual[i * outputs + o])
            .as("%s rows of %s x %s, [%s, %s]", rows, outputs, columns, i, o)
            .isCloseTo(sum, within(8 * 0x1p-24 * Math.sqrt(columns + 8) * magnitude));
      }
    }
  }
}
