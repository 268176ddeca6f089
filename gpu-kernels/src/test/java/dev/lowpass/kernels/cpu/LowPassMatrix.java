package dev.lowpass.kernels.cpu;

/**
 * FreqKV's operator in closed form and float64: the {@code [L, M]} matrix that a DCT, its
 * truncation, the shorter inverse and the scale amount to.
 */
final class LowPassMatrix {
  private LowPassMatrix() {}

  static double[][] of(int size, int length) {
    double[][] matrix = new double[length][size];
    for (int i = 0; i < length; i++) {
      double a = Math.PI * (2 * i + 1) / (2.0 * length);
      for (int j = 0; j < size; j++) {
        double b = Math.PI * (2 * j + 1) / (2.0 * size);
        matrix[i][j] = (1 + dirichlet(length, a - b) + dirichlet(length, a + b)) / size;
      }
    }
    return matrix;
  }

  /** The sum of {@code cos(k angle)} for k from 1 to below {@code length}. */
  private static double dirichlet(int length, double angle) {
    double sine = Math.sin(angle / 2);
    return Math.abs(sine) < 1e-12
        ? length - 1
        : Math.sin((length - 0.5) * angle) / (2 * sine) - 0.5;
  }
}
