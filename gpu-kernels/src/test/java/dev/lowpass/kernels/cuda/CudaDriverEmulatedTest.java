package dev.lowpass.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.DeviceException;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** JCuda on a driver library that is the emulator: what is passed on, and in what order. */
class CudaDriverEmulatedTest {
  @BeforeAll
  static void loadDriver() {
    Path libraries = Emulator.libraries();
    // The library that JCuda's asks for by this name.
    System.load(libraries.resolve("libcuda.so.1").toString());
  }

  private static CudaDriver open() {
    return CudaDriver.open(0, List.of(ByteBuffer.allocateDirect(1), ByteBuffer.allocateDirect(1)));
  }

  @Test
  void runsTheDevice() {
    float[] x;
    float[] w;
    float[] expected;
    try (Twin twin = new Twin(DType.F16, 1)) {
      x = twin.floats(70 * 90);
      w = twin.floats(50 * 90);
      expected = linear(twin.cuda(), x, w);
    }
    try (CudaDevice device = new CudaDevice(open(), DType.F16)) {
      assertThat(device.description()).startsWith("cuda (Emulator, sm_86, ");
      assertThat(linear(device, x, w)).isEqualTo(expected);
    }
  }

  private static float[] linear(CudaDevice device, float[] x, float[] w) {
    Weight weight = Twin.weight(device, DType.F16, 50, 90, w);
    Tensor in = Twin.tensor(device, 70, 90, x);
    Tensor out = device.tensor(70, 50);
    device.linear(out, in, 70, weight, null);
    Tensor moved = device.tensor(80, 50);
    device.copyRows(moved, 3, out, 1, 60);
    Tensor sum = device.tensor(70, 50);
    // Launched, put together, and launched together.
    for (int i = 0; i < 4; i++) {
      for (int j = 0; j < 5; j++) {
        device.add(sum, out, 70 - i / 3);
      }
      device.read(sum, 0);
    }
    return Twin.all(device, out, moved, sum);
  }

  /** More than the pinned memory holds, in pieces that leave from a buffer that changes at once. */
  @Test
  void copiesOutOfBuffersThatChange() throws InterruptedException {
    try (CudaDriver driver = open()) {
      int bytes = 3 << 20;
      int pieces = 11;
      long address = driver.allocate((long) bytes * pieces);
      ByteBuffer buffer = ByteBuffer.allocateDirect(bytes + 1);
      byte[] fill = new byte[bytes];
      for (int i = 0; i < pieces; i++) {
        Arrays.fill(fill, (byte) (i + 1));
        buffer.clear().position(1);
        buffer.put(fill).position(1);
        driver.copyToDevice(address + (long) i * bytes, buffer);
        assertThat(buffer.remaining()).isEqualTo(bytes);
      }
      // On another thread, where no context is current yet.
      Thread thread =
          new Thread(
              () -> {
                driver.copy(address, address + 10L * bytes, bytes);
                driver.clear(address + bytes, bytes);
              });
      thread.start();
      thread.join();
      ByteBuffer back = ByteBuffer.allocateDirect(bytes * pieces + 8).position(8);
      driver.copyToHost(back, address);
      for (int i = 0; i < bytes * pieces; i++) {
        int piece = i / bytes;
        int expected = piece == 0 ? 11 : piece == 1 ? 0 : piece + 1;
        if (back.get(8 + i) != expected) {
          throw new AssertionError("byte " + i + " is " + back.get(8 + i) + ", not " + expected);
        }
      }
      driver.free(address);
      assertThat(driver.allocate(Long.MAX_VALUE)).isZero();
      assertThat(driver.totalBytes()).isGreaterThan(driver.freeBytes() - 1);
    }
  }

  @Test
  void refusesWhatIsNotThere() {
    assertThat(CudaDriver.count()).isEqualTo(1);
    assertThatThrownBy(() -> CudaDriver.open(1, List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("--device cuda: there is no GPU 1, the process sees 1");
    try (CudaDriver driver = open()) {
      ByteBuffer arguments = ByteBuffer.allocateDirect(16);
      assertThatThrownBy(() -> driver.launch("nothing", Driver.Grid.of(1), 32, 0, arguments))
          .isInstanceOf(DeviceException.class)
          .hasMessageStartingWith("Emulator, sm_86, ")
          .hasMessageContaining("the kernel nothing failed with CUDA_ERROR_NOT_FOUND");
      assertThatThrownBy(
              () -> driver.launch("faultRead", Driver.Grid.of(1), 32, 1 << 20, arguments))
          .isInstanceOf(DeviceException.class)
          .hasMessageContaining(
              "faultRead (1, 1, 1 blocks of 32 threads, 1048576 bytes of shared memory) failed with CUDA_ERROR_INVALID_VALUE");
    }
  }
}
