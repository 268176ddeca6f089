package dev.lowpass.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.CacheType;
import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.DeviceException;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Storage, memory and errors. */
class CudaDeviceEmulatedTest {
  private final EmulatedDriver driver = new EmulatedDriver();
  private final CudaDevice device = new CudaDevice(driver, null);

  @AfterEach
  void close() {
    device.close();
    driver.setLimit(64L << 30);
  }

  /** 4,096 bytes of keys and as many values of bfloat16, twice that of float32; and the energy. */
  @Test
  void storesCachesInTheTypeOfTheFirstMatrix() {
    Twin.weight(device, DType.F32, 1, 4, 1, 2, 3, 4);
    Twin.weight(device, DType.BF16, 2, 2, 1, 2, 3, 4);
    Twin.weight(device, DType.F32, 2, 2, 1, 2, 3, 4);
    assertThat(device.kvCache(2, 2, 64, 8, Positions.CACHE).bytes()).isEqualTo(2 * 4096);
    assertThat(device.kvCache(2, 2, 64, 8, Positions.ORIGINAL).bytes())
        .isEqualTo(2 * 4096 + 2 * 2 * 8 * 4);
  }

  @Test
  void memoryOfClosedCachesIsUsedAgain() {
    Twin.weight(device, DType.BF16, 2, 2, 1, 2, 3, 4);
    long before = driver.usedBytes();
    device.kvCache(2, 2, 64, 50, Positions.ORIGINAL).close();
    long used = driver.usedBytes();
    for (int i = 0; i < 5; i++) {
      KvCache cache = device.kvCache(2, 2, 64, 50, Positions.ORIGINAL);
      cache.close();
      cache.close();
    }
    assertThat(driver.usedBytes()).isEqualTo(used);
    assertThat(used - before).isEqualTo(2 * 2 * 50 * (2 * 64 * 2 + 4) + 2 * 4 * 8);
  }

  @Test
  void saysWhatMemoryIsMissing() {
    Tensor tensor = device.tensor(100, 100);
    driver.setLimit(driver.usedBytes() + (3 << 20));
    KvCache cache = device.kvCache(2, 2, 64, 1024, Positions.CACHE);
    assertThatThrownBy(() -> device.kvCache(4, 2, 64, 4096, Positions.CACHE))
        .isInstanceOf(OutOfMemoryError.class)
        .hasMessageMatching(
            "a KV cache of 4 layers and 4096 entries takes 1.0 MiB of device memory; of [0-9.]+ MiB, "
                + "[0-9.]+ MiB are free \\(emulator\\): bound the cache \\(--cache, --cache-tokens\\), "
                + "or shorten the document");
    assertThatThrownBy(() -> device.tensor(10000, 1000))
        .isInstanceOf(OutOfMemoryError.class)
        .hasMessageStartingWith("a tensor [10000, 1000] takes 38.1 MiB of device memory");
    // What the refused cache had taken is there again, also for something of another size.
    device.kvCache(1, 2, 64, 1800, Positions.CACHE).close();
    cache.close();
    device.tensor(1000, 600).close();
    tensor.close();
    assertThatThrownBy(() -> device.read(tensor, 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the tensor [100, 100] is closed");
  }

  @Test
  void namesKernelShapesAndDeviceOfAnError() {
    CudaDevice broken = new CudaDevice(driver, DType.F32);
    Tensor a = Twin.tensor(broken, 3, 5, new float[15]);
    Tensor b = Twin.tensor(broken, 3, 5, new float[15]);
    // Memory that somebody else freed, so that closing the device frees it a second time.
    driver.free(((CudaTensor) b).address());
    broken.add(a, b, 2);
    assertThatThrownBy(() -> broken.read(a, 0))
        .isInstanceOf(DeviceException.class)
        .hasMessageStartingWith("add, a grid of (1, 1, 1) blocks of (256, 1, 1) threads: ")
        .hasMessageContaining("of an allocation of 60 bytes that was freed")
        .hasMessageEndingWith("; operands: [[3, 5], [3, 5], 2]");
    assertThatThrownBy(broken::close).isInstanceOf(DeviceException.class);
  }

  @Test
  void refusesWhatDoesNotFit() {
    Tensor three = device.tensor(2, 3);
    Tensor four = device.tensor(2, 4);
    Tensor positions = device.tensor(2, 1);
    Weight matrix = Twin.weight(device, DType.BF16, 2, 3, 1, 2, 3, 4, 5, 6);
    KvCache cache = device.kvCache(1, 1, 8, 2, Positions.CACHE);
    assertThatThrownBy(() -> device.weight("w", DType.F32, 2, 3, ByteBuffer.allocate(23)))
        .hasMessage("w: [2, 3] of F32 takes 24 bytes, its data has 23");
    assertThatThrownBy(() -> device.linear(three, four, 2, matrix, null))
        .hasMessage("linear: in is [2, 4], out [2, 3], the weight test.weight [2, 3]");
    assertThatThrownBy(() -> device.linear(four, three, 2, matrix, null))
        .hasMessageContaining("out [2, 4]");
    assertThatThrownBy(() -> device.rmsNorm(three, three, 2, matrix, 1))
        .hasMessage("test.weight [2, 3] is no vector [1, n]");
    assertThatThrownBy(() -> device.embed(three, matrix, new int[] {2}))
        .hasMessage("embed: token 2 is not in test.weight [2, 3]");
    assertThatThrownBy(() -> device.add(three, four, 1))
        .hasMessage("add: accumulator is [2, 3], addend [2, 4]");
    assertThatThrownBy(() -> device.kvCache(1, 1, 12, 2, Positions.CACHE))
        .hasMessage("a cache of 12 channels a head: the GPU takes multiples of 8 up to 128");
    assertThatThrownBy(() -> device.kvCache(1, 1, 8, 2, Positions.CACHE, CacheType.INT8))
        .hasMessage(
            "the cuda device stores caches as bf16, as it does the checkpoint, and not as int8: use --cache-type auto");
    assertThatThrownBy(
            () -> device.append(List.of(new Span(cache, 0, 1)), 0, three, three, positions))
        .hasMessage(
            "append: keys is [2, 3], values [2, 3], the cache has 1 kv heads of 8 channels");
    assertThatThrownBy(() -> device.gatherRows(three, four, new int[] {0}))
        .hasMessage("gatherRows: out is [2, 3], in [2, 4]");
    assertThatThrownBy(() -> device.read(three, 2)).hasMessage("row 2 is not in [2, 3]");
  }
}
