package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the device refuses, and what it says. */
class CpuDeviceTest {
  private final Device device = CpuDevice.open(1);

  @AfterEach
  void close() {
    device.close();
  }

  private static void refuses(ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
  }

  @Test
  void aWeightOfAnotherSize() {
    refuses(
        () -> device.weight("lm_head.weight", DType.BF16, 4, 8, ByteBuffer.allocate(63)),
        "lm_head.weight: [4, 8] of BF16 takes 64 bytes, its data has 63");
    refuses(
        () -> device.weight("w", DType.F32, 1 << 16, 1 << 16, ByteBuffer.allocate(0)),
        "w: [65536, 65536] of F32 takes 17179869184 bytes, its data has 0");
  }

  @Test
  void aWeightsDataIsReadFromItsPosition() {
    ByteBuffer data = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
    data.putFloat(1).putFloat(2).putFloat(3).position(4);
    Weight weight = device.weight("w", DType.F32, 1, 2, data);
    Tensor out = device.tensor(1, 2);
    device.embed(out, weight, new int[] {0});
    assertThat(device.read(out, 0)).containsExactly(2, 3);
  }

  @Test
  void shapesThatDoNotFit() {
    Tensor a = device.tensor(2, 8);
    Tensor b = device.tensor(2, 6);
    Weight w = Fixture.weight(device, DType.F32, 4, 8, new float[32]);
    Weight v = Fixture.weight(device, DType.F32, 1, 3, new float[3]);
    refuses(
        () -> device.linear(b, a, 2, w, null),
        "linear: in is [2, 8], out [2, 6], the weight test.weight [4, 8]");
    refuses(
        () -> device.linear(device.tensor(2, 4), a, 2, w, v),
        "linear: the weight is test.weight [4, 8], the bias test.weight [1, 3]");
    refuses(() -> device.add(a, b, 1), "add: accumulator is [2, 8], addend [2, 6]");
    refuses(() -> device.add(a, a, 3), "accumulator is [2, 8], the batch has 3 rows");
    refuses(
        () -> device.rmsNorm(a, a, 1, v, 0),
        "rmsNorm: out is [2, 8], in [2, 8], the gain test.weight [1, 3]");
    refuses(() -> device.rmsNorm(a, a, 1, w, 0), "test.weight [4, 8] is no vector [1, n]");
    refuses(() -> device.swiglu(a, b, 1), "swiglu: gate is [2, 8], up [2, 6]");
    refuses(
        () -> device.rotate(b, device.rope(new double[] {1, 1}, 1), device.tensor(1, 1), 1),
        "rotate: heads is [2, 6], the embedding's headDim 4");
    refuses(() -> device.embed(a, w, new int[] {4}), "embed: token 4 is not in test.weight [4, 8]");
    refuses(
        () -> device.gatherRows(b, device.tensor(1, 6), new int[] {1}), "row 1 is not in [1, 6]");
    refuses(() -> device.read(a, -1), "row -1 is not in [2, 8]");
    refuses(() -> device.tensor(0, 3), "a tensor [0, 3] is empty");
    refuses(
        () -> device.tensor(1 << 20, 1 << 12),
        "a tensor of [1048576, 4096] has more elements than an array holds (2^31 - 9)");
  }

  @Test
  void aFullCache() {
    KvCache cache = device.kvCache(2, 2, 4, 5, Positions.CACHE);
    Tensor rows = device.tensor(6, 8);
    Tensor positions = device.tensor(6, 1);
    assertThat(cache.capacity()).isEqualTo(5);
    assertThat(cache.bytes()).isGreaterThanOrEqualTo(2 * 2 * 2 * 4 * 5 * 4);
    device.append(List.of(new Span(cache, 0, 3)), 1, rows, rows, positions);
    assertThat(cache.length(0)).isZero();
    assertThat(cache.length(1)).isEqualTo(3);
    assertThatThrownBy(
            () -> device.append(List.of(new Span(cache, 0, 3)), 1, rows, rows, positions))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the cache is full: layer 1 holds 3 entries, 3 more exceed its capacity of 5");
    assertThat(cache.length(1)).isEqualTo(3);
    refuses(() -> cache.truncate(1), "cannot truncate to 1 entries: layer 0 holds 0");
    refuses(() -> cache.truncate(-1), "cannot truncate to -1 entries: layer 0 holds 0");
    cache.truncate(0);
    assertThat(cache.length(1)).isZero();
    cache.close();
    assertThatThrownBy(
            () -> device.append(List.of(new Span(cache, 0, 1)), 1, rows, rows, positions))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the cache is closed");
  }

  @Test
  void spansThatDoNotFit() {
    KvCache cache = device.kvCache(1, 2, 4, 9, Positions.CACHE);
    Tensor queries = device.tensor(3, 16);
    Tensor rows = device.tensor(3, 8);
    Tensor positions = device.tensor(3, 1);
    Span one = new Span(cache, 0, 1);
    refuses(
        () -> device.append(List.of(one, new Span(cache, 1, 1)), 0, rows, rows, positions),
        "append: two spans of one cache");
    refuses(
        () -> device.append(List.of(one), 1, rows, rows, positions),
        "append: layer 1 of a cache of 1");
    refuses(
        () -> device.append(List.of(one), 0, queries, rows, positions),
        "append: keys is [3, 16], values [3, 8], the cache has 2 kv heads of 4 channels");
    refuses(
        () -> device.append(List.of(new Span(cache, 2, 2)), 0, rows, rows, positions),
        "keys is [3, 8], the batch has 4 rows");
    Tensor out = device.tensor(3, 16);
    refuses(
        () -> device.attention(out, queries, List.of(one), 0, 1, 1, null),
        "attention: a span has 1 rows, its cache 0 entries at layer 0");
    device.append(List.of(one), 0, rows, rows, positions);
    refuses(
        () -> device.attention(out, queries, List.of(one), 0, 1, 0, null),
        "attention: the window is 0");
    Tensor odd = device.tensor(3, 12);
    refuses(
        () -> device.attention(device.tensor(3, 12), odd, List.of(one), 0, 1, 9, null),
        "attention: queries is [3, 12], the cache has 2 kv heads of 4 channels");
  }

  @Test
  void whatIsClosed() {
    Tensor tensor = device.tensor(2, 3);
    tensor.close();
    assertThatThrownBy(() -> device.read(tensor, 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the tensor [2, 3] is closed");
  }
}
