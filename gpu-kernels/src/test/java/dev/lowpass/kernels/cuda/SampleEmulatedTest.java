package dev.lowpass.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.kernels.DType;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code sample.cu} against the definition: temperature, top-k, then top-p, in float64. */
class SampleEmulatedTest {
  private static final int ROWS = 40;

  /** Of a probability: 2^-32 a token, and what float32 makes of an exponent. */
  private static final double TOLERANCE = 1e-5;

  @ParameterizedTest
  @CsvSource({
    "5376, 1.0, 0, 1.0",
    "1000, 0.7, 0, 0.9",
    "2049, 1.5, 50, 1.0",
    "700, 0.8, 40, 0.95",
    "1, 1.0, 3, 0.5",
    "33, 2.0, 1, 1.0",
    "128, 3.0, 100, 0.01"
  })
  void drawsWhatTheDefinitionDoes(int columns, float temperature, int topK, float topP) {
    Random random = new Random(columns);
    float[] logits = new float[ROWS * columns];
    double[] uniforms = new double[ROWS];
    for (int i = 0; i < logits.length; i++) {
      // Coarse, so that many are equal.
      logits[i] = Math.round(8 * random.nextGaussian()) / 4f;
    }
    for (int row = 0; row < ROWS; row++) {
      uniforms[row] = random.nextDouble();
    }
    int[] tokens = sample(logits, uniforms, columns, topK, temperature, topP);
    for (int row = 0; row < ROWS; row++) {
      float[] own = Arrays.copyOfRange(logits, row * columns, (row + 1) * columns);
      double[] left = left(own, temperature, topK, topP);
      double before = 0;
      for (int i = 0; i < tokens[row]; i++) {
        before += left[i];
      }
      assertThat(left[tokens[row]]).as("row %s", row).isPositive();
      assertThat(uniforms[row])
          .as("row %s, token %s", row, tokens[row])
          .isBetween(before - TOLERANCE, before + left[tokens[row]] + TOLERANCE);
    }
  }

  @Test
  void refusesWhatIsNotANumber() {
    float[] logits = {1, Float.NaN, 2, 1, 2, 3, 0, Float.POSITIVE_INFINITY, 0};
    assertThat(sample(logits, new double[3], 3, 0, 1, 1)).containsExactly(-1, 0, -1);
  }

  /** The probabilities that are left, those of the other tokens being 0. */
  private static double[] left(float[] logits, float temperature, int topK, float topP) {
    double[] weights = new double[logits.length];
    double max = IntStream.range(0, logits.length).mapToDouble(i -> logits[i]).max().orElseThrow();
    Arrays.setAll(weights, i -> Math.exp((logits[i] - max) / temperature));
    int[] ranked =
        IntStream.range(0, logits.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> -weights[i])) // stable: the lower index first
            .mapToInt(i -> i)
            .toArray();
    int count = topK == 0 ? ranked.length : Math.min(topK, ranked.length);
    double kept = Arrays.stream(ranked, 0, count).mapToDouble(i -> weights[i]).sum();
    double nucleus = 0;
    double[] left = new double[logits.length];
    for (int i = 0; i < count && (i == 0 || topP == 1 || nucleus < topP * kept); i++) {
      left[ranked[i]] = weights[ranked[i]];
      nucleus += weights[ranked[i]];
    }
    double total = nucleus;
    return Arrays.stream(left).map(weight -> weight / total).toArray();
  }

  private static int[] sample(
      float[] logits, double[] uniforms, int columns, int topK, float temperature, float topP) {
    int rows = logits.length / columns;
    try (Gpu gpu = new Gpu(TestDriver.open(EmulatedDriver.Order.SHUFFLED), DType.F32)) {
      long out = take(gpu, rows * Integer.BYTES);
      long in = take(gpu, logits.length * Float.BYTES);
      long draws = take(gpu, rows * Double.BYTES);
      gpu.write(in, logits);
      gpu.write(draws, uniforms);
      gpu.arguments()
          .pointer(out)
          .pointer(in)
          .pointer(draws)
          .put(columns)
          .put(topK)
          .put(temperature)
          .put(topP);
      gpu.launch("sample", Driver.Grid.of(rows), 1024, 0);
      return gpu.readInts(out, rows);
    }
  }

  private static long take(Gpu gpu, long bytes) {
    return gpu.arena().take(bytes, "a test", "").address();
  }
}
