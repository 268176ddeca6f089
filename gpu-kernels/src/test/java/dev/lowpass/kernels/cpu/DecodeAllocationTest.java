package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.lowpass.kernels.CacheType;
import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A decode step's layer takes no memory that grows with the cache or the model: a few small objects
 * an operation. Without the Vector API, whose vectors are objects until they are compiled.
 */
class DecodeAllocationTest {
  private static final int HEADS = 6;
  private static final int KV_HEADS = 3;
  private static final int HEAD_DIM = 64;
  private static final int HIDDEN = HEADS * HEAD_DIM;
  private static final int CAPACITY = 2100;
  private static final int STEPS = 20;

  /**
   * Some objects for each of eleven operations; the row of keys is 1,536 bytes, a depth of 2,000
   * more.
   */
  private static final long BYTES_A_STEP = 6_000;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  @ParameterizedTest
  @EnumSource(CacheType.class)
  void aStepAllocatesNothingThatGrows(CacheType type) {
    try (Device device = new CpuDevice(new PlainKernels(), 3);
        KvCache cache = device.kvCache(1, KV_HEADS, HEAD_DIM, CAPACITY, Positions.ORIGINAL, type)) {
      Step step = new Step(device, cache);
      for (int depth : new int[] {30, 2000}) {
        step.fill(depth);
        step.run();
        long before = allocated();
        for (int i = 0; i < STEPS; i++) {
          step.run();
        }
        assertThat((allocated() - before) / STEPS).isLessThan(BYTES_A_STEP);
      }
    }
  }

  /** What this thread and those of the device's team have allocated so far. */
  private static long allocated() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(
            thread ->
                thread == Thread.currentThread() || thread.getName().startsWith("lowpass-cpu-"))
        .mapToLong(thread -> THREADS.getThreadAllocatedBytes(thread.getId()))
        .sum();
  }

  /** One layer for one row. */
  private static final class Step {
    private final Device device;
    private final KvCache cache;
    private final Rope rope;
    private final Weight square;
    private final Weight keyValue;
    private final Weight gain;
    private final Tensor hidden;
    private final Tensor normed;
    private final Tensor keys;
    private final Tensor out;
    private final Tensor position;

    Step(Device device, KvCache cache) {
      this.device = device;
      this.cache = cache;
      Fixture random = new Fixture(1);
      rope = device.rope(CacheFixture.frequencies(HEAD_DIM), 1);
      square = Fixture.weight(device, DType.F32, HIDDEN, HIDDEN, random.floats(HIDDEN * HIDDEN));
      int columns = KV_HEADS * HEAD_DIM;
      keyValue =
          Fixture.weight(device, DType.F32, columns, HIDDEN, random.floats(columns * HIDDEN));
      gain = Fixture.weight(device, DType.F32, 1, HIDDEN, random.floats(HIDDEN));
      hidden = Fixture.tensor(device, 1, HIDDEN, random.floats(HIDDEN));
      normed = device.tensor(1, HIDDEN);
      keys = device.tensor(1, columns);
      out = device.tensor(1, HIDDEN);
      position = Fixture.tensor(device, 1, 1, 7);
    }

    void fill(int depth) {
      int rows = depth - cache.length(0);
      Tensor entries = device.tensor(rows, KV_HEADS * HEAD_DIM);
      device.append(List.of(new Span(cache, 0, rows)), 0, entries, entries, device.tensor(rows, 1));
    }

    void run() {
      List<Span> spans = List.of(new Span(cache, 0, 1));
      device.rmsNorm(normed, hidden, 1, gain, 1e-5f);
      device.linear(out, normed, 1, square, null);
      device.linear(keys, normed, 1, keyValue, null);
      device.rotate(out, rope, position, 1);
      device.rotate(keys, rope, position, 1);
      device.append(spans, 0, keys, keys, position);
      device.attention(normed, out, spans, 0, 0.125f, Integer.MAX_VALUE, null);
      device.linear(out, normed, 1, square, null);
      device.add(hidden, out, 1);
      device.swiglu(out, hidden, 1);
      device.argmax(out, 1);
    }
  }
}
