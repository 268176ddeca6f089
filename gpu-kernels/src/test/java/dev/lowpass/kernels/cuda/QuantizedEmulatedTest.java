package dev.lowpass.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Quantization;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Weights as signed bytes: {@code quantize.cu}, and the products of {@code linear.cu} with them.
 */
class QuantizedEmulatedTest {
  private static final int COLUMNS = 172;
  private static final int[] OUTPUTS = {70, 33, 8};

  /** {rows, outputs, threads, bytes of shared memory} of each tile. */
  private static final int[][] TILES = {
    {8, 32, 64, 30_720},
    {16, 32, 64, 40_960},
    {32, 32, 128, 61_440},
    {64, 64, 128, 49_152},
    {128, 128, 128, 49_152},
    {256, 128, 256, 81_920},
  };

  /** Three weights at once, added to what was there; every tile gives the same bits. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F16", "BF16"})
  void productsAreWithinHalfAStepOfEveryWeight(DType storage) {
    int rows = 19;
    Random random = new Random(1);
    float[] in = random(random, rows * COLUMNS, storage);
    String suffix = Gpu.suffix(storage);
    try (Gpu gpu = new Gpu(TestDriver.open(EmulatedDriver.Order.SHUFFLED), storage)) {
      long stride = Layout.stride(COLUMNS);
      long operand = take(gpu, rows * stride * storage.bytes());
      long dense = take(gpu, 4L * in.length);
      gpu.write(dense, in);
      gpu.arguments().pointer(operand).pointer(dense).put(COLUMNS);
      gpu.launch("operand_" + suffix, Driver.Grid.of(rows), 256, 0);

      float[][] weights = new float[3][];
      long[] bytes = new long[3];
      long[] scales = new long[3];
      long[] outs = new long[3];
      for (int w = 0; w < 3; w++) {
        weights[w] = random(random, OUTPUTS[w] * COLUMNS, DType.F32);
        long from = take(gpu, 4L * weights[w].length);
        gpu.write(from, weights[w]);
        bytes[w] = take(gpu, OUTPUTS[w] * stride);
        scales[w] = take(gpu, 4L * OUTPUTS[w]);
        outs[w] = take(gpu, 4L * rows * OUTPUTS[w]);
        gpu.arguments().pointer(bytes[w]).pointer(scales[w]).pointer(from).put(COLUMNS);
        gpu.launch("quantize_f32", Driver.Grid.of(OUTPUTS[w]), 256, 0);
      }

      float[][] first = null;
      for (int[] tile : TILES) {
        int blocks = 0;
        for (int w = 0; w < 3; w++) {
          gpu.write(outs[w], filled(rows * OUTPUTS[w], 5));
          blocks += Layout.ceilDiv(OUTPUTS[w], tile[1]) * Layout.ceilDiv(rows, tile[0]);
        }
        Arguments arguments = gpu.arguments().pointer(operand);
        for (long[] pointers : new long[][] {bytes, scales, new long[3], outs}) {
          for (long pointer : pointers) {
            arguments.pointer(pointer);
          }
        }
        for (int outputs : OUTPUTS) {
          arguments.put(outputs);
        }
        arguments.put(rows).put(COLUMNS).put(1);
        gpu.launch(
            "linear_" + suffix + "_int8_" + tile[0], Driver.Grid.of(blocks), tile[2], tile[3]);
        float[][] results = new float[3][];
        for (int w = 0; w < 3; w++) {
          results[w] = gpu.readFloats(outs[w], rows * OUTPUTS[w]);
        }
        if (first == null) {
          first = results;
          for (int w = 0; w < 3; w++) {
            check(results[w], in, weights[w], OUTPUTS[w]);
          }
        }
        assertThat(results).as("tile of %s rows", tile[0]).isDeepEqualTo(first);
      }
    }
  }

  /** Both round weights to the same bytes: what is left is the rounding of inputs, and of sums. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F16", "BF16"})
  void matchesTheCpu(DType storage) {
    try (Twin twin = new Twin(storage, 2)) {
      for (int[] shape : new int[][] {{1, 16}, {33, 24}, {70, 172}, {257, 64}}) {
        int outputs = shape[0];
        int columns = shape[1];
        float[] w = twin.floats(outputs * columns);
        float[] b = twin.floats(outputs);
        for (int rows : new int[] {1, 11, 70, 130}) {
          float[] x = twin.floats(rows * columns);
          twin.run(
                  device -> {
                    Weight weight = Twin.quantized(device, DType.BF16, outputs, columns, w);
                    Weight bias = Twin.weight(device, DType.BF16, 1, outputs, b);
                    Tensor out = device.tensor(rows, outputs);
                    device.linear(out, Twin.tensor(device, rows, columns, x), rows, weight, bias);
                    return Twin.all(device, out);
                  })
              .areWithin(
                  i -> {
                    double magnitude = Math.abs(b[i % outputs]);
                    for (int c = 0; c < columns; c++) {
                      magnitude +=
                          Math.abs(x[i / outputs * columns + c] * w[i % outputs * columns + c]);
                    }
                    return magnitude * (0x1p-20 + 4 * 0x1p-24 * Math.sqrt(columns));
                  });
        }
      }
      CudaDevice device = twin.cuda();
      Weight bytes = Twin.quantized(device, DType.F16, 2, 2, 1, 2, 3, 4);
      assertThatThrownBy(() -> device.embed(device.tensor(1, 2), bytes, new int[] {0}))
          .hasMessage("embed: test.weight [2, 2] is quantized");
    }
  }

  /** The CPU's numbers, rounded to the storage type: as linear layers and as an embedding. */
  @ParameterizedTest
  @EnumSource(DType.class)
  void blocksAreTheCpusNumbers(DType storage) {
    try (Twin twin = new Twin(storage, 3)) {
      for (Quantization quantization : Quantization.values()) {
        int outputs = 37;
        int columns = 100;
        float[] w = twin.floats(outputs * columns);
        for (int rows : new int[] {1, 20}) {
          // Integers of which each block's largest is 127, so that the CPU has none to round.
          float[] x = twin.floats(rows * columns);
          for (int i = 0; i < x.length; i++) {
            x[i] =
                i % columns % 32 == 0 ? 127 : Math.round(Math.max(-127, Math.min(127, 40 * x[i])));
          }
          twin.run(
                  device -> {
                    Weight weight = Twin.blocks(device, quantization, outputs, columns, w);
                    Tensor embedded = device.tensor(2, columns);
                    device.embed(embedded, weight, new int[] {36, 0});
                    Tensor out = device.tensor(rows, outputs);
                    device.linear(out, Twin.tensor(device, rows, columns, x), rows, weight, null);
                    return Twin.all(device, embedded, out);
                  })
              .areWithin(
                  i -> {
                    double rounding =
                        storage == DType.F32 ? 0x1p-20 : storage == DType.F16 ? 0x1p-10 : 0x1p-7;
                    if (i < 2 * columns) {
                      return 4 * rounding;
                    }
                    int at = i - 2 * columns;
                    double magnitude = 0;
                    for (int c = 0; c < columns; c++) {
                      magnitude +=
                          Math.abs(x[at / outputs * columns + c] * w[at % outputs * columns + c])
                              + 0.5 * Math.abs(x[at / outputs * columns + c]);
                    }
                    return magnitude * rounding;
                  });
        }
      }
    }
  }

  @Test
  void refusesDevicesOfFloat32() {
    try (Twin twin = new Twin(DType.F32, 1)) {
      assertThatThrownBy(() -> Twin.quantized(twin.cuda(), DType.F16, 1, 2, 1, 2))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "test.weight: bytes are multiplied by BF16 or F16, and this device computes in F32");
    }
  }

  private static void check(float[] results, float[] in, float[] weights, int outputs) {
    for (int i = 0; i < results.length; i++) {
      int row = i / outputs * COLUMNS;
      int output = i % outputs * COLUMNS;
      double sum = 0;
      double magnitude = 0;
      double largest = 0;
      for (int c = 0; c < COLUMNS; c++) {
        sum += (double) in[row + c] * weights[output + c];
        magnitude += Math.abs(in[row + c]);
        largest = Math.max(largest, Math.abs(weights[output + c]));
      }
      // Half a step each, and rounding in float.
      double bound = magnitude * (largest / 127 / 2 * 1.001 + largest * 0x1p-22);
      assertThat((double) results[i] - 5).as("result %s", i).isCloseTo(sum, within(bound));
    }
  }

  /** Numbers that the storage type holds exactly. */
  private static float[] random(Random random, int count, DType storage) {
    float[] data = new float[count];
    for (int i = 0; i < count; i++) {
      float x = (float) random.nextGaussian();
      data[i] = storage == DType.F32 ? x : Math.round(x * 16) / 16f;
    }
    return data;
  }

  private static float[] filled(int count, float value) {
    float[] data = new float[count];
    Arrays.fill(data, value);
    return data;
  }

  private static long take(Gpu gpu, long bytes) {
    return gpu.arena().take(bytes, "a test", "").address();
  }
}
