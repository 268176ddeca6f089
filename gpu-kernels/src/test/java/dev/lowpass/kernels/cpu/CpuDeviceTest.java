package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Pooling;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Rows;
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
  void positionsThatDoNotFit() {
    Tensor heads = device.tensor(4, 4);
    Rope rope = device.rope(new double[] {1, 1}, 1);
    refuses(
        () -> device.rotate(heads, rope, device.tensor(1, 4), 1),
        "positions is [1, 4], not [rows, 1]");
    refuses(
        () -> device.rotate(heads, rope, device.tensor(2, 1), 3),
        "positions is [2, 1], the batch has 3 rows");
    KvCache cache = device.kvCache(1, 1, 4, 9, Positions.ORIGINAL);
    List<Span> spans = List.of(new Span(cache, 1, 2));
    refuses(
        () -> device.append(spans, 0, heads, heads, device.tensor(2, 1)),
        "positions is [2, 1], the batch has 3 rows");
    assertThat(cache.length(0)).isZero();
  }

  @Test
  void memoryIsWhatPositionsTakeToo() {
    long places = device.kvCache(3, 2, 4, 100, Positions.CACHE).bytes();
    KvCache original = device.kvCache(3, 2, 4, 100, Positions.ORIGINAL);
    assertThat(original.bytes()).isEqualTo(places + 3 * 2 * 100 * Float.BYTES);
  }

  @Test
  void oneLayerIsTruncated() {
    KvCache cache = device.kvCache(2, 1, 4, 9, Positions.CACHE);
    Tensor rows = device.tensor(5, 4);
    for (int layer = 0; layer < 2; layer++) {
      device.append(List.of(new Span(cache, 0, 5)), layer, rows, rows, device.tensor(5, 1));
    }
    cache.truncate(1, 3);
    assertThat(cache.length(0)).isEqualTo(5);
    assertThat(cache.length(1)).isEqualTo(3);
    refuses(() -> cache.truncate(1, 4), "cannot truncate to 4 entries: layer 1 holds 3");
    refuses(() -> cache.truncate(4), "cannot truncate to 4 entries: layer 1 holds 3");
  }

  @Test
  void observationsThatDoNotFit() {
    KvCache cache = device.kvCache(1, 2, 4, 9, Positions.CACHE);
    Span span = new Span(cache, 0, 3);
    Tensor rows = device.tensor(3, 8);
    Tensor queries = device.tensor(3, 16);
    Tensor sums = device.tensor(3, 4);
    Tensor scores = device.tensor(2, 9);
    Pooling none = new Pooling(Pooling.Kind.MAX, 1);
    device.append(List.of(span), 0, rows, rows, device.tensor(3, 1));
    refuses(
        () -> device.attention(device.tensor(3, 16), queries, List.of(span), 0, 1, 9, rows),
        "attention: logSums is [3, 8], queries [3, 16] of heads of 4 channels");
    refuses(
        () -> device.observe(scores, queries, rows, span, 1, 0, 1, 9, 0, 3, none),
        "observe: logSums is [3, 8], queries [3, 16] of heads of 4 channels");
    refuses(
        () -> device.observe(rows, queries, sums, span, 1, 0, 1, 9, 0, 3, none),
        "observe: scores is [3, 8], the cache has 2 kv heads");
    refuses(
        () -> device.observe(scores, queries, sums, span, 1, 0, 1, 9, 4, 3, none),
        "observe: entries [4, 3), scores is [2, 9]");
    refuses(
        () -> device.observe(scores, queries, sums, span, 1, 0, 1, 9, 0, 4, none),
        "observe: entries [0, 4) of a cache that holds 3 at layer 0");
    refuses(
        () -> device.observe(scores, queries, sums, span, 4, 0, 1, 9, 0, 3, none),
        "observe: 4 of a span's 3 rows");
    refuses(
        () -> device.observe(scores, queries, sums, span, 0, 0, 1, 9, 0, 3, none),
        "observe: 0 of a span's 3 rows");
    refuses(
        () -> device.observe(scores, queries, sums, span, 1, 0, 1, 0, 0, 3, none),
        "observe: the window is 0");
    refuses(() -> new Pooling(Pooling.Kind.MAX, 4), "a pooling kernel of 4: it must be odd");
    refuses(() -> new Pooling(Pooling.Kind.MAX, -1), "a pooling kernel of -1: it must be odd");
  }

  @Test
  void plansAndSelectionsThatDoNotFit() {
    KvCache cache = device.kvCache(1, 2, 4, 9, Positions.CACHE);
    Tensor rows = device.tensor(3, 8);
    device.append(List.of(new Span(cache, 0, 3)), 0, rows, rows, device.tensor(3, 1));
    Rope rope = device.rope(new double[] {1, 1}, 1);
    CachePlan best = CachePlan.of(3, new CachePlan.Best(0, 3, 1));
    refuses(
        () -> device.apply(cache, 0, CachePlan.of(4), rope, null),
        "apply: a plan for 4 entries, layer 0 holds 3");
    refuses(() -> device.apply(cache, 1, best, rope, null), "apply: layer 1 of a cache of 1");
    refuses(
        () -> device.apply(cache, 0, best, device.rope(new double[] {1}, 1), null),
        "apply: the cache's headDim is 4, the embedding's 2");
    refuses(
        () -> device.apply(cache, 0, best, rope, null),
        "apply: the plan ranks entries, there are no scores");
    refuses(
        () -> device.apply(cache, 0, best, rope, rows),
        "apply: scores is [3, 8], the cache has 2 kv heads");
    refuses(
        () -> device.apply(cache, 0, best, rope, device.tensor(2, 2)),
        "apply: entries [0, 3), scores is [2, 2]");
    refuses(
        () -> device.copy(device.kvCache(1, 2, 4, 9, Positions.ORIGINAL), cache),
        "copy: the caches are one, or differ in shape or positions");
    Rows two = device.rows(2);
    refuses(() -> device.best(two, rows, 0, 8, 3), "best: 3 of entries [0, 8) into a list of 2");
    refuses(() -> device.best(two, rows, 0, 1, 2), "best: 2 of entries [0, 1) into a list of 2");
    refuses(() -> device.best(two, rows, 0, 9, 1), "best: entries [0, 9), scores is [3, 8]");
    device.best(two, rows, 6, 8, 2);
    Tensor other = device.tensor(3, 8);
    refuses(() -> device.gatherRows(rows, 0, rows, 0, two), "gatherRows: out is in");
    refuses(
        () -> device.gatherRows(other, 2, rows, 0, two),
        "gatherRows: out is [3, 8], 2 rows go to 2");
    refuses(() -> device.gatherRows(other, 0, rows, 2, two), "row 3 is not in [3, 8]");
    refuses(
        () -> device.gatherRows(device.tensor(3, 7), 0, rows, 0, two),
        "gatherRows: out is [3, 7], in [3, 8]");
    refuses(
        () -> device.copyRows(other, 0, rows, 2, 2),
        "copyRows: in is [3, 8], 2 rows from 2 on are asked for");
    refuses(() -> device.rows(0), "a list of 0 rows is empty");
    refuses(
        () -> device.write(device.tensor(2, 2), new float[5]),
        "write: out is [2, 2], there are 5 values");
  }

  @Test
  void whatIsClosed() {
    Tensor tensor = device.tensor(2, 3);
    tensor.close();
    assertThatThrownBy(() -> device.read(tensor, 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the tensor [2, 3] is closed");
    Rows rows = device.rows(2);
    rows.close();
    assertThatThrownBy(() -> device.read(rows))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the list of rows is closed");
  }
}
