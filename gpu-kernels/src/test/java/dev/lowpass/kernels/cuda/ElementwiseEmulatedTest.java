package dev.lowpass.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Tensor;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ElementwiseEmulatedTest {
  private static final int[] SIZES = {1, 3, 8, 13, 64, 130, 576, 1100};

  @ParameterizedTest
  @EnumSource(DType.class)
  void embedsAndConvertsAnyCheckpoint(DType storage) {
    for (DType checkpoint : DType.values()) {
      try (Twin twin = new Twin(storage, 1)) {
        for (int columns : new int[] {1, 7, 16, 65}) {
          float[] table = twin.floats(9 * columns);
          int[] tokens = {8, 0, 3, 3};
          twin.run(
                  device -> {
                    Tensor out = device.tensor(5, columns);
                    device.embed(out, Twin.weight(device, checkpoint, 9, columns, table), tokens);
                    device.embed(
                        out, Twin.weight(device, checkpoint, 9, columns, table), new int[0]);
                    return Twin.all(device, out);
                  })
              .areEqual();
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void rmsNormOfRowsAndOfHeads(DType storage) {
    try (Twin twin = new Twin(storage, 2)) {
      for (int size : SIZES) {
        for (int groups : new int[] {1, 3}) {
          float[] x = twin.floats(5 * size * groups);
          float[] gain = twin.floats(size);
          twin.run(
                  device -> {
                    Tensor in = Twin.tensor(device, 5, size * groups, x);
                    Tensor out = device.tensor(5, size * groups);
                    var weight = Twin.weight(device, DType.BF16, 1, size, gain);
                    device.rmsNorm(out, in, 4, weight, 1e-5f);
                    device.rmsNorm(in, in, 4, weight, 1e-5f);
                    device.rmsNorm(in, in, 0, weight, 1e-5f);
                    return Twin.all(device, out, in);
                  })
              .areWithinParts(1e-6);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void swigluAndAdd(DType storage) {
    try (Twin twin = new Twin(storage, 3)) {
      for (int size : SIZES) {
        float[] gate = twin.floats(3 * size);
        for (int i = 0; i < gate.length; i++) {
          gate[i] *= 12;
        }
        float[] up = twin.floats(3 * size);
        twin.run(
                device -> {
                  Tensor gates = Twin.tensor(device, 3, size, gate);
                  Tensor ups = Twin.tensor(device, 3, size, up);
                  device.swiglu(gates, ups, 2);
                  return Twin.all(device, gates);
                })
            .areWithinParts(2e-6);
        twin.run(
                device -> {
                  Tensor sum = Twin.tensor(device, 3, size, gate);
                  device.add(sum, Twin.tensor(device, 3, size, up), 2);
                  return Twin.all(device, sum);
                })
            .areEqual();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(value = DType.class, names = "F32")
  void rotatesByAnyPosition(DType storage) {
    try (Twin twin = new Twin(storage, 4)) {
      for (int headDim : new int[] {2, 8, 64, 80, 96, 128, 256}) {
        double[] frequencies = new double[headDim / 2];
        for (int i = 0; i < frequencies.length; i++) {
          frequencies[i] = Math.pow(10000, -2.0 * i / headDim);
        }
        float[] heads = twin.floats(5 * 3 * headDim);
        float[] positions = {0, 1, 131071, 77.25f, 5};
        twin.run(
                device -> {
                  Rope rope = device.rope(frequencies, 1.25);
                  Tensor tensor = Twin.tensor(device, 5, 3 * headDim, heads);
                  device.rotate(tensor, rope, Twin.tensor(device, 5, 1, positions), 4);
                  return Twin.all(device, tensor);
                })
            .areWithin(4e-6);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(value = DType.class, names = "BF16")
  void movesRowsAndFindsTheLargest(DType storage) {
    try (Twin twin = new Twin(storage, 5)) {
      for (int columns : new int[] {1, 3, 64, 1030, 2500}) {
        float[] data = twin.floats(6 * columns);
        // Several are the largest, the last one first.
        Arrays.fill(data, columns / 2, columns, 9);
        Arrays.fill(data, columns, 2 * columns, Float.NEGATIVE_INFINITY);
        twin.run(
                device -> {
                  Tensor in = Twin.tensor(device, 6, columns, data);
                  Tensor out = device.tensor(7, columns);
                  device.gatherRows(out, in, new int[] {5, 0, 0});
                  device.copyRows(out, 4, in, 2, 3);
                  float[] moved = Twin.all(device, out);
                  int[] largest = device.argmax(in, 6);
                  float[] all = Arrays.copyOf(moved, moved.length + 6);
                  for (int i = 0; i < 6; i++) {
                    all[moved.length + i] = largest[i];
                  }
                  return all;
                })
            .areEqual();
      }
      Tensor in = Twin.tensor(twin.cuda(), 2, 3, 1, 2, 3, 4, Float.NaN, 6);
      assertThat(twin.cuda().argmax(in, 1)).containsExactly(2);
      assertThatThrownBy(() -> twin.cuda().argmax(in, 2))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("row 1 has no largest element: a score is not a number (NaN)");
    }
  }
}
