package dev.lowpass.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.DeviceException;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Steps of a decode that are replayed, and those that are started kernel by kernel. */
class LaunchesEmulatedTest {
  private static final int LAYERS = 2;
  private static final int COLUMNS = 32;
  private static final int ROWS = 3;

  /** Attention alone, with a residual. */
  private static final class Decoder {
    private final Device device;

    /** Whether every kernel is waited for, so that there is nothing to put together. */
    private final boolean waits;

    private final Tensor hidden;
    private final Tensor queries;
    private final Tensor attended;
    private final Tensor positions;
    private final Weight weight;
    private final Rope rope;
    private final KvCache[] caches = new KvCache[ROWS];

    Decoder(Device device, boolean waits) {
      this.device = device;
      this.waits = waits;
      Random random = new Random(1);
      float[] weights = new float[COLUMNS * COLUMNS];
      for (int i = 0; i < weights.length; i++) {
        weights[i] = Math.round(8 * random.nextGaussian()) / 32f;
      }
      weight = Twin.weight(device, DType.BF16, COLUMNS, COLUMNS, weights);
      rope = device.rope(new double[] {1, 0.5, 0.25, 0.125, 0.06, 0.03, 0.01, 0.001}, 1);
      hidden = device.tensor(ROWS, COLUMNS);
      queries = device.tensor(ROWS, COLUMNS);
      attended = device.tensor(ROWS, COLUMNS);
      positions = device.tensor(ROWS, 1);
      for (int i = 0; i < ROWS; i++) {
        caches[i] = device.kvCache(LAYERS, 2, 16, 40 + i, Positions.ORIGINAL);
      }
    }

    /** A token of each of the first {@code rows} sequences. */
    float[] step(int position, int rows) {
      float[] in = new float[rows * COLUMNS];
      float[] at = new float[rows];
      List<Span> spans = new ArrayList<>();
      for (int row = 0; row < rows; row++) {
        at[row] = position + row;
        in[row * COLUMNS + (7 * position + row) % COLUMNS] = 1;
        spans.add(new Span(caches[row], row, 1));
      }
      device.write(hidden, in);
      device.write(positions, at);
      for (int layer = 0; layer < LAYERS; layer++) {
        device.linear(queries, hidden, rows, weight, null);
        settle();
        device.rotate(queries, rope, positions, rows);
        settle();
        device.append(spans, layer, queries, queries, positions);
        settle();
        device.attention(attended, queries, spans, layer, 0.25f, Integer.MAX_VALUE, null);
        settle();
        device.add(hidden, attended, rows);
        settle();
      }
      return Twin.all(device, hidden);
    }

    private void settle() {
      if (waits) {
        device.read(positions, 0);
      }
    }
  }

  @Test
  void replayedStepsAreTheOthers() {
    EmulatedDriver driver = new EmulatedDriver();
    EmulatedDriver other = new EmulatedDriver();
    try (CudaDevice device = new CudaDevice(driver, null);
        CudaDevice waiting = new CudaDevice(other, null)) {
      Decoder replayed = new Decoder(device, /* waits= */ false);
      Decoder reference = new Decoder(waiting, /* waits= */ true);
      int launches = 0;
      for (int step = 0; step < 12; step++) {
        // One sequence leaves the batch, and comes back; another is rolled back.
        int rows = step == 5 || step == 6 ? ROWS - 1 : ROWS;
        if (step == 9) {
          replayed.caches[1].truncate(3);
          reference.caches[1].truncate(3);
        }
        assertThat(replayed.step(3 * step, rows))
            .as("step %s", step)
            .isEqualTo(reference.step(3 * step, rows));
        boolean seen = step >= 1 && step != 5;
        assertThat(driver.graphLaunches() > launches).as("step %s", step).isEqualTo(seen);
        launches = driver.graphLaunches();
      }
      assertThat(other.graphLaunches()).isZero();
    }
  }

  @Test
  void namesWhatWasPutTogether() {
    EmulatedDriver driver = new EmulatedDriver();
    CudaDevice device = new CudaDevice(driver, DType.F32);
    Tensor a = Twin.tensor(device, 1, 4, 1, 2, 3, 4);
    Tensor b = Twin.tensor(device, 1, 4, 1, 1, 1, 1);
    for (int i = 1; i <= 3; i++) {
      addFiveTimes(device, a, b);
      assertThat(device.read(a, 0)).containsExactly(5 * i + 1, 5 * i + 2, 5 * i + 3, 5 * i + 4);
    }
    // Memory that somebody else freed, so that closing the device frees it a second time.
    driver.free(((CudaTensor) b).address());
    addFiveTimes(device, a, b);
    assertThatThrownBy(() -> device.read(a, 0))
        .isInstanceOf(DeviceException.class)
        .hasMessageStartingWith("add, a grid of (1, 1, 1) blocks of (256, 1, 1) threads: ")
        .hasMessageEndingWith("; 5 kernels at once, add to add");
    assertThatThrownBy(device::close).isInstanceOf(DeviceException.class);
  }

  private static void addFiveTimes(Device device, Tensor to, Tensor addend) {
    for (int i = 0; i < 5; i++) {
      device.add(to, addend, 1);
    }
  }
}
