package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Rows;
import dev.lowpass.kernels.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Rows that are selected and copied on the device. */
class RowsTest {
  private final Device device = CpuDevice.open(1);

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void theBestOfAllHeadsTogether() {
    Tensor scores = Fixture.tensor(device, 2, 8, 9, 1, 2, 0, 5, 2, 0, 9, 9, 2, 1, 0, 0, 1, 6, 9);
    Rows rows = device.rows(6);
    assertThat(rows.count()).isZero();
    assertThat(rows.capacity()).isEqualTo(6);
    // Sums of [1, 7): 3 3 0 5 3 6.
    device.best(rows, scores, 1, 7, 4);
    assertThat(device.read(rows)).containsExactly(0, 1, 3, 5);
    assertThat(rows.count()).isEqualTo(4);
    device.best(rows, scores, 1, 7, 6);
    assertThat(device.read(rows)).containsExactly(0, 1, 2, 3, 4, 5);
    device.best(rows, scores, 3, 3, 0);
    assertThat(device.read(rows)).isEmpty();
  }

  @Test
  void goWhereTheyAreToldTo() {
    Tensor in = Fixture.tensor(device, 6, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    Tensor out = device.tensor(5, 2);
    device.copyRows(out, 3, in, 4, 2);
    assertThat(Fixture.all(device, out)).containsExactly(0, 0, 0, 0, 0, 0, 8, 9, 10, 11);
    Tensor scores = Fixture.tensor(device, 1, 4, 1, 7, 2, 9);
    Rows rows = device.rows(4);
    device.best(rows, scores, 0, 4, 2);
    device.gatherRows(out, 1, in, 2, rows);
    assertThat(Fixture.all(device, out)).containsExactly(0, 0, 6, 7, 10, 11, 8, 9, 10, 11);
  }

  @Test
  void writingLeavesTheRestOfATensor() {
    Tensor tensor = Fixture.tensor(device, 2, 3, 1, 2, 3, 4, 5, 6);
    device.write(tensor, new float[] {7, 8, 9, 10});
    assertThat(Fixture.all(device, tensor)).containsExactly(7, 8, 9, 10, 5, 6);
    device.write(tensor, new float[0]);
    assertThat(Arrays.copyOf(device.read(tensor, 0), 3)).containsExactly(7, 8, 9);
  }
}
