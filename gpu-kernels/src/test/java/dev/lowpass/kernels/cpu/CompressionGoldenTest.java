package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.GoldenFiles;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Rope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Compression against FreqKV's released code, and the DCT beneath it against FFTW's. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CompressionGoldenTest {
  private static final double TOLERANCE = 1e-5;

  Stream<Path> vectors() throws IOException {
    return GoldenFiles.files("freqkv_compress_", ".safetensors").stream();
  }

  Stream<Path> fftw() throws IOException {
    return GoldenFiles.files("dct2_", ".json").stream();
  }

  @ParameterizedTest(allowZeroInvocations = true)
  @MethodSource("vectors")
  void keysAndValuesAreTheReleasedCodes(Path file) throws IOException {
    GoldenFiles.Tensors golden = GoldenFiles.Tensors.read(file);
    int heads = golden.extent("input", 0);
    int entries = golden.extent("input", 1);
    int headDim = golden.extent("input", 2);
    int retained = golden.metadata("retained");
    float[] input = golden.floats("input");
    float[] expected = golden.floats("compressed");
    double[] frequencies = CacheFixture.frequencies(headDim);
    try (Device device = CpuDevice.open(2);
        KvCache cache = device.kvCache(1, heads, headDim, entries, Positions.CACHE)) {
      Rope rope = device.rope(frequencies, 1);
      CacheFixture.append(device, cache, heads, rope, input, input);
      CachePlan plan = CachePlan.of(entries, new CachePlan.LowPass(0, entries, retained));
      device.apply(cache, 0, plan, rope, null);
      assertThat(cache.length(0)).isEqualTo(retained);
      for (int head = 0; head < heads; head++) {
        float[] values = device.readValues(cache, 0, head);
        double[] keys = CacheFixture.unrotated(device, cache, 0, head, frequencies);
        for (int i = 0; i < values.length; i++) {
          double wanted = expected[head * values.length + i];
          assertThat((double) values[i])
              .as("value %s of head %s", i, head)
              .isCloseTo(wanted, within(TOLERANCE));
          assertThat(keys[i]).as("key %s of head %s", i, head).isCloseTo(wanted, within(TOLERANCE));
        }
      }
    }
  }

  @ParameterizedTest(allowZeroInvocations = true)
  @MethodSource("vectors")
  void theTransformIsTheReleasedCodes(Path file) throws IOException {
    GoldenFiles.Tensors golden = GoldenFiles.Tensors.read(file);
    int entries = golden.extent("input", 1);
    int headDim = golden.extent("input", 2);
    float[] input = golden.floats("input");
    float[] expected = golden.floats("dct_ortho");
    Dct dct = new Dct();
    for (int channel = 0; channel < input.length / entries; channel++) {
      int at = channel / headDim * entries * headDim + channel % headDim;
      double[] samples = new double[entries];
      for (int i = 0; i < entries; i++) {
        samples[i] = input[at + i * headDim];
      }
      dct.transform(entries).forward(samples, 0, new double[entries]);
      for (int k = 0; k < entries; k++) {
        double wanted = expected[at + k * headDim];
        assertThat(samples[k])
            .as("coefficient %s of channel %s", k, channel)
            .isCloseTo(wanted, within(TOLERANCE * Math.max(1, Math.abs(wanted))));
      }
    }
  }

  @ParameterizedTest(allowZeroInvocations = true)
  @MethodSource("fftw")
  void theTransformIsFftws(Path file) throws IOException {
    JsonNode sizes = new ObjectMapper().readTree(file.toFile()).get("by_n");
    Dct dct = new Dct();
    for (Iterator<Map.Entry<String, JsonNode>> it = sizes.fields(); it.hasNext(); ) {
      Map.Entry<String, JsonNode> entry = it.next();
      int size = Integer.parseInt(entry.getKey());
      double[] samples = new double[size];
      for (int i = 0; i < size; i++) {
        samples[i] = i;
      }
      dct.transform(size).forward(samples, 0, new double[size]);
      for (int k = 0; k < size; k++) {
        double orthonormal = Math.sqrt((k == 0 ? 1.0 : 2.0) / size) / 2;
        double expected = entry.getValue().get(k).asDouble() * orthonormal;
        assertThat(samples[k])
            .as("coefficient %s of %s", k, size)
            .isCloseTo(expected, within(1e-6));
      }
    }
  }

  /** The operator on small numbers, worked out by hand in float64. */
  @Test
  void workedNumbers() {
    assertThat(lowPass(8, 4, 1, 2, 3, 4, 5, 6, 7, 8))
        .containsExactly(
            new double[] {1.39517481, 3.57841041, 5.42158959, 7.60482519}, within(1e-8));
    double[] once = lowPass(8, 4, 3, 1, 4, 1, 5, 9, 2, 6);
    assertThat(once)
        .containsExactly(
            new double[] {2.45677864, 2.24520571, 5.87786232, 4.92015333}, within(1e-8));
    assertThat(lowPass(8, 4, once[0], once[1], once[2], once[3], 5, 3, 5, 8))
        .containsExactly(
            new double[] {2.46529824, 5.57960404, 3.59100911, 6.61408860}, within(1e-8));
    assertThat(lowPass(8, 4, 1, -1, 1, -1, 1, -1, 1, -1))
        .containsExactly(new double[] {.35055721, -.18023996, .18023996, -.35055721}, within(1e-8));
    assertThat(lowPass(7, 3, 3, 1, 4, 1, 5, 9, 2))
        .containsExactly(new double[] {2.17462666, 3.53752987, 5.00212918}, within(1e-8));
    double[] coefficients = {3, 1, 4, 1, 5, 9, 2, 6};
    new Dct().transform(8).forward(coefficients, 0, new double[8]);
    assertThat(coefficients)
        .containsExactly(
            new double[] {
              10.96015511,
              -3.66601895,
              -.52759786,
              2.41344441,
              -.35355339,
              -2.49362774,
              5.19342281,
              -.13195384
            },
            within(1e-8));
    double[][] matrix = LowPassMatrix.of(8, 4);
    double[][] rows = {
      {.59439964, .36602949, .09183791, -.04641226, -.03022848, .02286307, .01926953, -.01775890},
      {-.13653224, .18195789, .47233326, .43530482, .14133592, -.08703423, -.06725691, .05989150}
    };
    for (int j = 0; j < 8; j++) {
      assertThat(matrix[0][j]).isCloseTo(rows[0][j], within(1e-8));
      assertThat(matrix[1][j]).isCloseTo(rows[1][j], within(1e-8));
      assertThat(matrix[2][j]).isCloseTo(rows[1][7 - j], within(1e-8));
      assertThat(matrix[3][j]).isCloseTo(rows[0][7 - j], within(1e-8));
    }
  }

  private static double[] lowPass(int size, int length, double... samples) {
    new Dct().filter(size, length).run(samples, 0, new double[size]);
    return Arrays.copyOf(samples, length);
  }
}
