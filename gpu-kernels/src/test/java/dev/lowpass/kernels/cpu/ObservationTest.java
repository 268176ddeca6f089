package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Pooling;
import dev.lowpass.kernels.Pooling.Kind;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The attention's log-sums, and the scores that are made with them, against float64. */
class ObservationTest {
  private static final int ALL = Integer.MAX_VALUE;
  private static final Pooling NONE = new Pooling(Kind.AVERAGE, 1);

  static Stream<Kernels> kernels() {
    return Fixture.KERNELS.stream();
  }

  /**
   * The last {@code rows} of a cache's entries are a batch's rows, of which the last {@code
   * observed} score entries {@code [from, to)}.
   */
  private record Case(
      int kvHeads,
      int group,
      int headDim,
      int entries,
      int rows,
      int observed,
      int window,
      int from,
      int to,
      Pooling pooling) {
    int heads() {
      return kvHeads * group;
    }

    float scale() {
      return (float) (1 / Math.sqrt(headDim));
    }

    float[] queries() {
      return new Fixture(1).floats(rows * heads() * headDim);
    }

    float[] keys() {
      return new Fixture(2).floats(entries * kvHeads * headDim);
    }
  }

  /** What a case must come to. */
  private static final class Reference {
    private final Case test;
    private final float[] queries;
    private final float[] keys;

    Reference(Case test) {
      this.test = test;
      queries = test.queries();
      keys = test.keys();
    }

    /** {@code scale * q.k} of what a row sees, of other entries minus infinity. */
    double[] logits(int row, int head) {
      double[] logits = new double[test.entries];
      int own = test.entries - test.rows + row;
      for (int j = 0; j < logits.length; j++) {
        int q = (row * test.heads() + head) * test.headDim;
        int k = (j * test.kvHeads + head / test.group) * test.headDim;
        double score = 0;
        for (int d = 0; d < test.headDim; d++) {
          score += (double) queries[q + d] * keys[k + d];
        }
        boolean seen = j <= own && j > (long) own - test.window;
        logits[j] = seen ? score * test.scale() : Double.NEGATIVE_INFINITY;
      }
      return logits;
    }

    static double logSum(double[] logits) {
      return Math.log(Arrays.stream(logits).map(Math::exp).sum());
    }

    /** {@code [kvHeads, to - from]}. */
    double[][] scores() {
      double[][] scores = new double[test.kvHeads][test.to - test.from];
      for (int head = 0; head < test.heads(); head++) {
        double[] sums = new double[test.to - test.from];
        for (int row = test.rows - test.observed; row < test.rows; row++) {
          double[] logits = logits(row, head);
          double logSum = logSum(logits);
          for (int j = test.from; j < test.to; j++) {
            sums[j - test.from] += Math.exp(logits[j] - logSum);
          }
        }
        for (int j = 0; j < sums.length; j++) {
          int reach = test.pooling.kernel() / 2;
          int end = Math.min(sums.length, j + reach + 1);
          double[] near = Arrays.copyOfRange(sums, Math.max(0, j - reach), end);
          scores[head / test.group][j] +=
              test.pooling.kind() == Kind.MAX
                  ? Arrays.stream(near).max().orElseThrow()
                  : Arrays.stream(near).sum() / test.pooling.kernel();
        }
      }
      return scores;
    }
  }

  private static final List<Case> CASES = cases();

  private static List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (int group = 1; group <= 8; group++) {
      Pooling pooling = new Pooling(group % 2 == 0 ? Kind.MAX : Kind.AVERAGE, 2 * group - 1);
      cases.add(new Case(2, group, 16, 150, 20, 5, ALL, 4, 140, pooling));
      cases.add(new Case(1, group, 6, 70 + group, 30, 7, 33, 0, 64 + group, pooling));
    }
    cases.add(new Case(1, 1, 2, 1, 1, 1, ALL, 0, 1, NONE));
    cases.add(new Case(3, 2, 64, 300, 300, 300, ALL, 0, 300, NONE));
    cases.add(new Case(1, 4, 20, 200, 64, 9, 1, 130, 200, new Pooling(Kind.MAX, 7)));
    cases.add(new Case(2, 3, 8, 500, 10, 10, 64, 65, 499, new Pooling(Kind.AVERAGE, 9)));
    cases.add(new Case(2, 2, 8, 90, 8, 8, ALL, 10, 20, new Pooling(Kind.MAX, 101)));
    cases.add(new Case(2, 2, 8, 90, 8, 8, ALL, 10, 20, new Pooling(Kind.AVERAGE, 101)));
    cases.add(new Case(2, 2, 8, 90, 8, 8, ALL, 30, 30, NONE));
    return cases;
  }

  /** A batch of which the case is one sequence, {@code before} rows of others before it. */
  private static final class Run {
    private final float[] logSums;
    private final float[] scores;
    private final float[] attended;

    Run(Device device, Case test, int before) {
      int columns = test.heads() * test.headDim;
      int keyColumns = test.kvHeads * test.headDim;
      int prefix = test.entries - test.rows;
      KvCache cache =
          device.kvCache(1, test.kvHeads, test.headDim, test.entries + 9, Positions.CACHE);
      float[] keys = test.keys();
      if (prefix > 0) {
        Tensor first = part(device, keys, 0, prefix, keyColumns, 0);
        Tensor places = Fixture.positions(device, 0, prefix);
        device.append(List.of(new Span(cache, 0, prefix)), 0, first, first, places);
      }
      Span span = new Span(cache, before, test.rows);
      List<Span> spans = new ArrayList<>(List.of(span));
      if (before > 0) {
        KvCache other = device.kvCache(1, test.kvHeads, test.headDim, before, Positions.CACHE);
        spans.add(0, new Span(other, 0, before));
      }
      int rows = before + test.rows;
      Tensor last = part(device, keys, prefix, test.rows, keyColumns, before);
      Tensor queries = part(device, test.queries(), 0, test.rows, columns, before);
      Tensor out = device.tensor(rows, columns);
      Tensor sums = device.tensor(rows, test.heads());
      device.append(spans, 0, last, last, Fixture.positions(device, prefix, rows));
      device.attention(out, queries, spans, 0, test.scale(), test.window, sums);
      logSums = tail(Fixture.all(device, sums), before * test.heads());
      attended = tail(Fixture.all(device, out), before * columns);
      Tensor scored = device.tensor(test.kvHeads, test.entries + 9);
      float[] unset = new float[test.kvHeads * (test.entries + 9)];
      Arrays.fill(unset, -7);
      device.write(scored, unset);
      device.observe(
          scored,
          queries,
          sums,
          span,
          test.observed,
          0,
          test.scale(),
          test.window,
          test.from,
          test.to,
          test.pooling);
      scores = Fixture.all(device, scored);
    }

    /** Rows of a batch behind some others' that are noise. */
    private static Tensor part(
        Device device, float[] data, int row, int rows, int columns, int before) {
      float[] all = new Fixture(9).floats((before + rows) * columns);
      System.arraycopy(data, row * columns, all, before * columns, rows * columns);
      return Fixture.tensor(device, before + rows, columns, all);
    }

    private static float[] tail(float[] data, int from) {
      return Arrays.copyOfRange(data, from, data.length);
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void matchesDoubleArithmetic(Kernels kernels) {
    try (Device device = new CpuDevice(kernels, 2)) {
      for (Case test : CASES) {
        Run run = new Run(device, test, 0);
        Reference reference = new Reference(test);
        for (int row = 0; row < test.rows; row++) {
          for (int head = 0; head < test.heads(); head++) {
            assertThat((double) run.logSums[row * test.heads() + head])
                .as("log-sum of row %s, head %s of %s", row, head, test)
                .isCloseTo(Reference.logSum(reference.logits(row, head)), within(2e-6));
          }
        }
        double[][] expected = reference.scores();
        int columns = test.entries + 9;
        // A row's weights add up to 1.
        double tolerance = 5e-6 * test.observed * test.group;
        for (int i = 0; i < run.scores.length; i++) {
          int j = i % columns;
          boolean inRange = j >= test.from && j < test.to;
          double wanted = inRange ? expected[i / columns][j - test.from] : -7;
          assertThat((double) run.scores[i])
              .as("score %s of %s", i, test)
              .isCloseTo(wanted, within(inRange ? tolerance : 0));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void bitsDependNeitherOnThreadsNorOnTheBatch(Kernels kernels) {
    for (Case test : CASES) {
      Run expected = null;
      for (int threads = 1; threads <= 3; threads++) {
        try (Device device = new CpuDevice(kernels, threads)) {
          for (int before : new int[] {0, 5}) {
            Run run = new Run(device, test, before);
            expected = expected == null ? run : expected;
            assertThat(run.logSums).isEqualTo(expected.logSums);
            assertThat(run.attended).isEqualTo(expected.attended);
            assertThat(run.scores).isEqualTo(expected.scores);
          }
        }
      }
    }
  }

  /** Without pooling, over all that they see, the observing rows pay what they have: 1 a head. */
  @ParameterizedTest
  @MethodSource("kernels")
  void aRowPaysOneInAll(Kernels kernels) {
    try (Device device = new CpuDevice(kernels, 2)) {
      for (int window : new int[] {ALL, 40}) {
        Case test = new Case(2, 3, 16, 130, 50, 12, window, 0, 130, NONE);
        float[] scores = new Run(device, test, 0).scores;
        for (int kvHead = 0; kvHead < 2; kvHead++) {
          double sum = 0;
          for (int j = 0; j < 130; j++) {
            sum += scores[kvHead * 139 + j];
          }
          assertThat(sum).isCloseTo(3 * 12, within(1e-4));
        }
      }
    }
  }

  /**
   * Keys that all queries find alike: pooling leaves equal scores equal, but for average's ends.
   */
  @ParameterizedTest
  @MethodSource("kernels")
  void poolingAConstant(Kernels kernels) {
    try (Device device = new CpuDevice(kernels, 2);
        KvCache cache = device.kvCache(1, 1, 4, 100, Positions.CACHE)) {
      Tensor rows = device.tensor(100, 4);
      Span span = new Span(cache, 0, 100);
      device.append(List.of(span), 0, rows, rows, Fixture.positions(device, 0, 100));
      Tensor out = device.tensor(100, 4);
      Tensor sums = device.tensor(100, 1);
      device.attention(out, rows, List.of(span), 0, 1, ALL, sums);
      Tensor scores = device.tensor(1, 100);
      for (Kind kind : Kind.values()) {
        Pooling pooling = new Pooling(kind, 5);
        device.observe(scores, rows, sums, span, 1, 0, 1, ALL, 0, 90, pooling);
        float[] pooled = device.read(scores, 0);
        for (int j = 0; j < 90; j++) {
          int missing = kind == Kind.MAX ? 0 : Math.max(0, 2 - Math.min(j, 89 - j));
          assertThat(pooled[j]).isCloseTo((5 - missing) / 500f, within(1e-8f));
        }
      }
    }
  }
}
