package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.GoldenFiles;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Pooling;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Rows;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What FastKV keeps of a prompt and sends on, against its released code and worked numbers: the
 * prompt's attention, observed by its last tokens, ranks what the cache keeps.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FastKvSelectGoldenTest {
  /** Tensors are {@code [heads, tokens, headDim]}, keys rotated. */
  private record Prompt(
      int heads, int kvHeads, int tokens, int headDim, float[] q, float[] k, float[] v) {}

  /** The paper's parameters: S, w, the pooling, what a kv head keeps and what is sent on. */
  private record Parameters(int sinks, int window, Pooling pooling, int capacity, int tspLength) {}

  /**
   * What is kept and sent on.
   *
   * @param scores {@code [kvHeads, tokens]}
   * @param places {@code [kvHeads, kept]}
   */
  private record Selection(
      float[][] scores, int[][] places, float[][] keys, float[][] values, int[] tsp) {}

  Stream<Path> vectors() throws IOException {
    return GoldenFiles.files("fastkv_select_", ".safetensors").stream();
  }

  static Stream<Kernels> kernels() {
    return Fixture.KERNELS.stream();
  }

  @ParameterizedTest(allowZeroInvocations = true)
  @MethodSource("vectors")
  void theSelectionIsTheReleasedCodes(Path file) throws IOException {
    GoldenFiles.Tensors golden = GoldenFiles.Tensors.read(file);
    Prompt prompt =
        new Prompt(
            golden.extent("query", 0),
            golden.extent("key", 0),
            golden.extent("query", 1),
            golden.extent("query", 2),
            golden.floats("query"),
            golden.floats("key"),
            golden.floats("value"));
    boolean max = golden.text("pooling").toLowerCase(Locale.ROOT).startsWith("max");
    Parameters parameters =
        new Parameters(
            golden.metadata("sinks"),
            golden.metadata("window"),
            new Pooling(max ? Pooling.Kind.MAX : Pooling.Kind.AVERAGE, golden.metadata("kernel")),
            golden.metadata("capacity"),
            golden.metadata("tsp_length"));
    int[] kept = golden.ints("kept_indices");
    int[] tsp = golden.ints("tsp_indices");
    for (Kernels kernels : Fixture.KERNELS) {
      Selection selection = select(kernels, prompt, parameters);
      assertThat(selection.tsp).isEqualTo(tsp);
      int count = kept.length / prompt.kvHeads;
      for (int head = 0; head < prompt.kvHeads; head++) {
        int[] expected = Arrays.copyOfRange(kept, head * count, (head + 1) * count);
        assertThat(selection.places[head]).as("kv head %s", head).isEqualTo(expected);
        assertThat(selection.keys[head]).isEqualTo(rows(prompt, prompt.k, head, expected));
        assertThat(selection.values[head]).isEqualTo(rows(prompt, prompt.v, head, expected));
      }
    }
  }

  /** Two kv heads of two query heads each, worked out in float64; max pooling makes ties. */
  @ParameterizedTest
  @MethodSource("kernels")
  void workedNumbers(Kernels kernels) {
    Prompt prompt = workedPrompt();
    Selection average =
        select(kernels, prompt, new Parameters(0, 4, new Pooling(Pooling.Kind.AVERAGE, 3), 10, 12));
    checkScores(average, 0, .469376, .719361, .703594, .580311, .398251, .227964);
    checkScores(average, 1, .566805, .724739, .506832, .330892, .242876, .224152);
    assertThat(average.places[0]).containsExactly(1, 2, 3, 16, 17, 18, 20, 21, 22, 23);
    assertThat(average.places[1]).containsExactly(0, 1, 2, 3, 8, 9, 20, 21, 22, 23);
    int[] tsp = {0, 1, 2, 3, 16, 17, 18, 19, 20, 21, 22, 23};
    assertThat(average.tsp).isEqualTo(tsp);
    Selection max =
        select(kernels, prompt, new Parameters(0, 4, new Pooling(Pooling.Kind.MAX, 3), 10, 12));
    checkScores(max, 0, .758448, .758448, .757965, .749956, .602860, .388172);
    checkScores(max, 1, 1.001309, 1.016269, .765399, .473802, .296254, .258313);
    assertThat(max.places[0]).containsExactly(0, 1, 2, 16, 17, 18, 20, 21, 22, 23);
    assertThat(max.places[1]).containsExactly(0, 1, 2, 3, 18, 19, 20, 21, 22, 23);
    assertThat(max.tsp).isEqualTo(tsp);
  }

  private static Prompt workedPrompt() {
    int tokens = 24;
    float[] q = new float[4 * tokens * 4];
    float[] k = new float[2 * tokens * 4];
    for (int i = 0; i < q.length; i++) {
      int h = i / 4 / tokens;
      int t = i / 4 % tokens;
      q[i] = (float) (2 * Math.sin(.37 * t * (1 + .11 * h) + .5 * (i % 4) + h));
    }
    for (int i = 0; i < k.length; i++) {
      int g = i / 4 / tokens;
      int t = i / 4 % tokens;
      k[i] = (float) (2 * Math.cos(.23 * t * (1 + .3 * g) - .4 * (i % 4) + .7 * g));
    }
    return new Prompt(4, 2, tokens, 4, q, k, k);
  }

  private static void checkScores(Selection selection, int kvHead, double... expected) {
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) selection.scores[kvHead][i]).isCloseTo(expected[i], within(1e-6));
    }
  }

  /** A whole prompt through the device, as a layer's prefill does it. */
  private static Selection select(Kernels kernels, Prompt prompt, Parameters parameters) {
    int tokens = prompt.tokens;
    int observed = tokens - parameters.window;
    int heads = prompt.kvHeads;
    try (Device device = new CpuDevice(kernels, 2);
        KvCache cache = device.kvCache(1, heads, prompt.headDim, tokens, Positions.ORIGINAL);
        Rows rows = device.rows(tokens)) {
      Tensor queries = CacheFixture.rows(device, prompt.heads, tokens, prompt.headDim, prompt.q);
      Tensor out = device.tensor(tokens, prompt.heads * prompt.headDim);
      Tensor logSums = device.tensor(tokens, prompt.heads);
      Tensor scores = device.tensor(heads, tokens);
      Span span = new Span(cache, 0, tokens);
      List<Span> spans = List.of(span);
      device.append(
          spans,
          0,
          CacheFixture.rows(device, heads, tokens, prompt.headDim, prompt.k),
          CacheFixture.rows(device, heads, tokens, prompt.headDim, prompt.v),
          Fixture.positions(device, 0, tokens));
      float scale = (float) (1 / Math.sqrt(prompt.headDim));
      int all = Integer.MAX_VALUE;
      device.attention(out, queries, spans, 0, scale, all, logSums);
      device.observe(
          scores,
          queries,
          logSums,
          span,
          parameters.window,
          0,
          scale,
          all,
          0,
          observed,
          parameters.pooling);
      device.best(rows, scores, 0, observed, parameters.tspLength - parameters.window);
      int[] tsp = Arrays.copyOf(device.read(rows), parameters.tspLength);
      for (int i = 0; i < parameters.window; i++) {
        tsp[parameters.tspLength - parameters.window + i] = observed + i;
      }
      int best = parameters.capacity - parameters.window - parameters.sinks;
      CachePlan plan =
          CachePlan.of(
              tokens,
              new CachePlan.Keep(0, parameters.sinks),
              new CachePlan.Best(parameters.sinks, observed, best),
              new CachePlan.Keep(observed, tokens));
      Rope rope = device.rope(CacheFixture.frequencies(prompt.headDim), 1);
      device.apply(cache, 0, plan, rope, scores);
      Selection selection =
          new Selection(
              new float[heads][], new int[heads][], new float[heads][], new float[heads][], tsp);
      for (int head = 0; head < heads; head++) {
        selection.scores[head] = device.read(scores, head);
        selection.places[head] = places(cache, head);
        selection.keys[head] = device.readKeys(cache, 0, head);
        selection.values[head] = device.readValues(cache, 0, head);
      }
      return selection;
    }
  }

  private static int[] places(KvCache cache, int head) {
    float[] positions = CacheFixture.positions(cache, 0, head);
    int[] places = new int[positions.length];
    for (int i = 0; i < places.length; i++) {
      places[i] = (int) positions[i];
    }
    return places;
  }

  private static float[] rows(Prompt prompt, float[] data, int head, int[] tokens) {
    float[] rows = new float[tokens.length * prompt.headDim];
    for (int i = 0; i < tokens.length; i++) {
      int from = (head * prompt.tokens + tokens[i]) * prompt.headDim;
      System.arraycopy(data, from, rows, i * prompt.headDim, prompt.headDim);
    }
    return rows;
  }
}
