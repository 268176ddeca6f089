package dev.lowpass.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.DeviceException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the emulator must notice, on kernels of {@code faults.cu} that do it. */
class EmulatorTest {
  private final EmulatedDriver driver = new EmulatedDriver();
  private final Arguments arguments = new Arguments();

  @AfterEach
  void forward() {
    driver.setOrder(EmulatedDriver.Order.FORWARD);
  }

  private void launch(String kernel, long data, int at, int sharedBytes) {
    arguments.clear().pointer(data).put(at);
    driver.launch(kernel, Driver.Grid.of(2), 64, sharedBytes, arguments.bytes());
  }

  private float[] read(long address, int count) {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(count * Float.BYTES).order(ByteOrder.nativeOrder());
    driver.copyToHost(bytes, address);
    float[] floats = new float[count];
    bytes.asFloatBuffer().get(floats);
    return floats;
  }

  @Test
  void readsOutOfBounds() {
    long data = driver.allocate(400);
    launch("faultRead", data, 99, 0);
    assertThatThrownBy(() -> launch("faultRead", data, 100, 0))
        .isInstanceOf(DeviceException.class)
        .hasMessage(
            "faultRead, a grid of (2, 1, 1) blocks of (64, 1, 1) threads: block (1, 0, 0), thread (33, 0, 0): "
                + "access at byte 400 of an allocation of 400 bytes");
    assertThatThrownBy(() -> launch("faultRead", data, -1024, 0))
        .hasMessageContaining("4096 bytes before the begin of an allocation of 400 bytes");
    driver.free(data);
    assertThatThrownBy(() -> launch("faultRead", data, 1, 0))
        .hasMessageContaining("of an allocation of 400 bytes that was freed");
  }

  @Test
  void writesOutOfBounds() {
    long data = driver.allocate(390);
    launch("faultWrite", data, 389, 0);
    // Not yet on the protected page, 400 being a multiple of 16.
    assertThatThrownBy(() -> launch("faultWrite", data, 390, 0))
        .hasMessageContaining("faultWrite")
        .hasMessageContaining("wrote at byte 390 of an allocation of 390 bytes");
    driver.free(data);
    long other = driver.allocate(400);
    assertThatThrownBy(() -> launch("faultWrite", other, -1, 0))
        .hasMessageContaining("wrote 1 bytes before the begin of an allocation of 400 bytes");
    driver.free(other);
  }

  @Test
  void leavesSharedMemory() {
    launch("faultShared", 0, 0, 256);
    assertThatThrownBy(() -> launch("faultShared", 0, 1, 256))
        .hasMessageContaining("thread (63, 0, 0)")
        .hasMessageContaining("at byte 256 of the block's shared memory of 256 bytes");
  }

  @Test
  void aMissingBarrierMakesADifference() {
    long data = driver.allocate(256);
    launch("faultNoBarrier", data, 0, 256);
    assertThat(read(data, 64)).startsWith(Float.NaN).endsWith(63);
    driver.setOrder(EmulatedDriver.Order.BACKWARD);
    launch("faultNoBarrier", data, 0, 256);
    assertThat(read(data, 64)).containsOnly(63);
    driver.free(data);
  }

  @Test
  void aMissingWaitMakesADifference() {
    long data = driver.allocate(1024);
    driver.clear(data, 1024);
    launch("faultNoWait", data, 0, 1024);
    assertThat(read(data, 64)).containsOnly(Float.NaN);
    driver.clear(data, 1024);
    driver.setOrder(EmulatedDriver.Order.BACKWARD);
    launch("faultNoWait", data, 0, 1024);
    assertThat(read(data, 64)).containsOnly(0);
    driver.free(data);
  }

  @Test
  void threadsThatWaitForEachOther() {
    assertThatThrownBy(() -> launch("faultBarriers", 0, 0, 0))
        .hasMessageContaining(
            "its threads wait for each other: from thread 0 on: __syncthreads at ")
        .hasMessageContaining("; from thread 40 on: __syncwarp at ")
        .hasMessageContaining("faults.cu:");
    assertThatThrownBy(() -> launch("faultLane", 0, 0, 0))
        .hasMessageContaining("lane 5 of the mask has returned");
  }

  @Test
  void tooManyLocalVariables() {
    long data = driver.allocate(16);
    assertThatThrownBy(() -> launch("faultStack", data, 0, 0))
        .hasMessageContaining("in a thread's stack, which has");
    driver.free(data);
  }

  @Test
  void launchesThatNoGpuTakes() {
    assertThatThrownBy(() -> driver.launch("faultRead", Driver.Grid.of(1), 65, 0, bytes(16)))
        .hasMessageContaining("a block of 65 threads; it is for 1 to 64");
    assertThatThrownBy(() -> driver.launch("faultRead", Driver.Grid.of(1, 70000), 64, 0, bytes(16)))
        .hasMessageContaining("a grid of (1, 70000, 1) blocks");
    assertThatThrownBy(() -> driver.launch("faultRead", Driver.Grid.of(1), 64, 0, bytes(24)))
        .hasMessageContaining("it takes 16 bytes of arguments, not 24");
    assertThatThrownBy(
            () -> driver.launch("faultRead", Driver.Grid.of(1), 64, 100 << 10, bytes(16)))
        .hasMessageContaining("102400 bytes of shared memory; a block has 101376");
    assertThatThrownBy(() -> driver.launch("nothing", Driver.Grid.of(1), 64, 0, bytes(16)))
        .hasMessageContaining("there is no kernel nothing");
  }

  private static ByteBuffer bytes(int count) {
    return ByteBuffer.allocateDirect(count);
  }

  /** Fragments as the PTX manual has them: small integers, whose halves and sums are exact. */
  @Test
  void multipliesMatrices() {
    int[] a = new int[256];
    int[] b = new int[128];
    ByteBuffer halves = ByteBuffer.allocateDirect(2 * 384).order(ByteOrder.nativeOrder());
    for (int i = 0; i < a.length; i++) {
      a[i] = i * 7 % 31;
      halves.putShort(half(a[i]));
    }
    for (int i = 0; i < b.length; i++) {
      b[i] = i * 5 % 29;
      halves.putShort(half(b[i]));
    }
    long in = driver.allocate(768);
    long out = driver.allocate(512);
    driver.copyToDevice(in, halves.flip());
    arguments.clear().pointer(out).pointer(in).pointer(in + 512);
    driver.launch("product", Driver.Grid.of(1), 32, 768, arguments.bytes());
    float[] sums = read(out, 128);
    for (int row = 0; row < 16; row++) {
      for (int column = 0; column < 8; column++) {
        int expected = 0;
        for (int k = 0; k < 16; k++) {
          expected += a[16 * row + k] * b[16 * column + k];
        }
        assertThat(sums[8 * row + column]).as("[%s, %s]", row, column).isEqualTo(expected);
      }
    }
    driver.free(in);
    driver.free(out);
  }

  /** A small integer as a half: its float's exponent, 112 lower, and upper bits of the fraction. */
  private static short half(int integer) {
    int bits = Float.floatToRawIntBits(integer);
    return (short) (integer == 0 ? 0 : (bits - (112 << 23)) >>> 13);
  }
}
