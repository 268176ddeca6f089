package dev.lowpass.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Draw;
import dev.lowpass.kernels.cpu.CpuDevice;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * {@code sample.cu}, and the CPU, against the definition: temperature, top-k, then top-p, in
 * float64.
 */
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
    List<Draw> draws = draws(uniforms, temperature, topK, topP);
    for (Device device : new Device[] {cuda(), CpuDevice.open(1)}) {
      try (device) {
        int[] tokens = device.sample(Twin.tensor(device, ROWS, columns, logits), draws);
        check(device.description(), tokens, logits, draws);
      }
    }
  }

  private static void check(String device, int[] tokens, float[] logits, List<Draw> draws) {
    int columns = logits.length / ROWS;
    for (int row = 0; row < ROWS; row++) {
      float[] own = Arrays.copyOfRange(logits, row * columns, (row + 1) * columns);
      Draw draw = draws.get(row);
      double[] left = left(own, draw.temperature(), draw.topK(), draw.topP());
      double before = 0;
      for (int i = 0; i < tokens[row]; i++) {
        before += left[i];
      }
      assertThat(left[tokens[row]]).as("%s, row %s", device, row).isPositive();
      assertThat(draw.uniform())
          .as("%s, row %s, token %s", device, row, tokens[row])
          .isBetween(before - TOLERANCE, before + left[tokens[row]] + TOLERANCE);
    }
  }

  @Test
  void rowsHaveTheirOwnDraws() {
    List<Draw> draws =
        List.of(
            Draw.GREEDY,
            new Draw(1, 0, 1, 0.999),
            new Draw(1, 2, 1, 0.999),
            new Draw(0.01f, 0, 1, 0.999));
    float[] logits = {1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 1.5f, 1};
    for (Device device : new Device[] {cuda(), CpuDevice.open(1)}) {
      try (device) {
        assertThat(device.sample(Twin.tensor(device, 4, 4, logits), draws))
            .as(device.description())
            .containsExactly(1, 3, 2, 1);
        assertThat(device.sample(device.tensor(1, 4), List.of())).isEmpty();
      }
    }
  }

  @Test
  void refusesWhatIsNotANumber() {
    List<Draw> draws = List.of(Draw.GREEDY, new Draw(1, 0, 1, 0.5));
    float[][] refused = {
      {1, 2, 1, Float.NaN}, {1, 2, Float.POSITIVE_INFINITY, 0}, {1, 2, -1 / 0f, -1 / 0f}
    };
    for (Device device : new Device[] {cuda(), CpuDevice.open(1)}) {
      try (device) {
        for (float[] logits : refused) {
          assertThatThrownBy(() -> device.sample(Twin.tensor(device, 2, 2, logits), draws))
              .as(device.description())
              .isInstanceOf(IllegalStateException.class)
              .hasMessage("row 1 cannot be sampled: a score is not a number (NaN), or infinite");
        }
      }
    }
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

  private static List<Draw> draws(double[] uniforms, float temperature, int topK, float topP) {
    return Arrays.stream(uniforms)
        .mapToObj(uniform -> new Draw(temperature, topK, topP, uniform))
        .toList();
  }

  private static Device cuda() {
    return new CudaDevice(TestDriver.open(EmulatedDriver.Order.SHUFFLED), DType.F32);
  }
}
