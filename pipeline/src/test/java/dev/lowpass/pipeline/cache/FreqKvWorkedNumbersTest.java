package dev.lowpass.pipeline.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Devices;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;

/**
 * FreqKV's attention on one head of 4 channels, token by token, against numbers worked out
 * elsewhere: N = 9, S = 1, 19 tokens, so that the cache is compressed three times.
 */
class FreqKvWorkedNumbersTest {
  private static final int TOKENS = 19;
  private static final double[] FREQUENCIES = {1, 0.01};
  private static final CachePolicy POLICY =
      CacheOptions.of("freqkv", 9).with("sinks", 1).with("recent", 0).resolve(9, false).policy();
  private static final Map<Integer, double[]> EXPECTED =
      Map.of(
          0, new double[] {0, .783327, .973848, .427380},
          8, new double[] {.715660, .578175, .003139, -.574273},
          9, new double[] {.448913, .664674, .377423, -.195454},
          12, new double[] {.228652, .010840, -.215175, -.278350},
          13, new double[] {.208245, -.146172, -.389969, -.338645},
          18, new double[] {-.331189, -.044014, .276469, .387726});

  private static CachePlan plan(int length) {
    return POLICY.makeRoom(new Layout(0, 0, length)).plans().get(0);
  }

  private static double[] query(int t) {
    return channels(c -> Math.sin(.7 * t + .3 * c + .1));
  }

  private static double[] key(int t) {
    return channels(c -> Math.cos(.5 * t - .2 * c));
  }

  private static double[] value(int t) {
    return channels(c -> Math.sin(.3 * t + .9 * c));
  }

  @Test
  void theInterpreterGetsThem() {
    List<double[]> keys = new ArrayList<>();
    List<double[]> values = new ArrayList<>();
    List<Integer> compressedAt = new ArrayList<>();
    for (int t = 0; t < TOKENS; t++) {
      if (POLICY.cacheTokens() == keys.size()) {
        CachePlan plan = plan(keys.size());
        keys = PlanInterpreter.apply(plan, keys);
        values = PlanInterpreter.apply(plan, values);
        compressedAt.add(t);
        if (t == 9) {
          assertThat(keys.get(1))
              .containsExactly(new double[] {.740358, .851595, .928882, .969137}, within(1e-6));
          assertThat(keys.get(4))
              .containsExactly(new double[] {-.776009, -.877763, -.944523, -.973628}, within(1e-6));
        }
      }
      keys.add(key(t));
      values.add(value(t));
      check(t, attend(rotated(query(t), keys.size() - 1), keys, values), 1e-6);
    }
    assertThat(compressedAt).containsExactly(9, 13, 17);
  }

  @Test
  void theDeviceGetsThem() {
    try (Device device = Devices.open("cpu", 2);
        KvCache cache = device.kvCache(1, 1, 4, POLICY.cacheTokens(), Positions.CACHE);
        Tensor position = device.tensor(1, 1);
        Tensor out = device.tensor(1, 4)) {
      Rope rope = device.rope(FREQUENCIES, 1);
      for (int t = 0; t < TOKENS; t++) {
        if (POLICY.cacheTokens() == cache.length(0)) {
          device.apply(cache, 0, plan(cache.length(0)), rope, null);
        }
        device.write(position, new float[] {cache.length(0)});
        Tensor query = tensor(device, query(t));
        Tensor key = tensor(device, key(t));
        device.rotate(query, rope, position, 1);
        device.rotate(key, rope, position, 1);
        List<Span> spans = List.of(new Span(cache, 0, 1));
        device.append(spans, 0, key, tensor(device, value(t)), position);
        device.attention(out, query, spans, 0, 0.5f, Integer.MAX_VALUE, null);
        float[] attended = device.read(out, 0);
        check(t, channels(c -> attended[c]), 2e-6);
      }
    }
  }

  private static void check(int t, double[] attended, double tolerance) {
    if (EXPECTED.containsKey(t)) {
      assertThat(attended).as("token %s", t).containsExactly(EXPECTED.get(t), within(tolerance));
    }
  }

  private static double[] attend(double[] query, List<double[]> keys, List<double[]> values) {
    double[] out = new double[4];
    double sum = 0;
    for (int i = 0; i < keys.size(); i++) {
      double[] key = rotated(keys.get(i), i);
      double score = 0;
      for (int c = 0; c < 4; c++) {
        score += query[c] * key[c];
      }
      double weight = Math.exp(score / 2);
      sum += weight;
      for (int c = 0; c < 4; c++) {
        out[c] += weight * values.get(i)[c];
      }
    }
    double total = sum;
    return channels(c -> out[c] / total);
  }

  private static double[] rotated(double[] x, int position) {
    double[] y = new double[4];
    for (int i = 0; i < 2; i++) {
      double cos = Math.cos(position * FREQUENCIES[i]);
      double sin = Math.sin(position * FREQUENCIES[i]);
      y[i] = x[i] * cos - x[i + 2] * sin;
      y[i + 2] = x[i] * sin + x[i + 2] * cos;
    }
    return y;
  }

  private static double[] channels(IntToDoubleFunction function) {
    double[] x = new double[4];
    for (int c = 0; c < 4; c++) {
      x[c] = function.applyAsDouble(c);
    }
    return x;
  }

  private static Tensor tensor(Device device, double[] row) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(16).order(ByteOrder.LITTLE_ENDIAN);
    for (double value : row) {
      bytes.putFloat((float) value);
    }
    Tensor tensor = device.tensor(1, 4);
    device.embed(tensor, device.weight("row", DType.F32, 1, 4, bytes.flip()), new int[] {0});
    return tensor;
  }
}
