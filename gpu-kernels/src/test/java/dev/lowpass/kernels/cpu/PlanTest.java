package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CachePlan.Best;
import dev.lowpass.kernels.CachePlan.Keep;
import dev.lowpass.kernels.CachePlan.LowPass;
import dev.lowpass.kernels.CachePlan.Rest;
import dev.lowpass.kernels.CachePlan.Segment;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Random plans, one after another on the same cache, against {@link PlanReference}. */
class PlanTest {
  private static final int HEADS = 3;
  private static final int HEAD_DIM = 12;
  private static final int CAPACITY = 210;
  private static final double FACTOR = 1.3;
  private static final double[] FREQUENCIES = CacheFixture.frequencies(HEAD_DIM);

  /** A layer on a device, and what it should hold. */
  private static final class Layer {
    private final Device device;
    private final Positions positions;
    private final KvCache cache;
    private final Rope rope;
    private final List<List<PlanReference.Entry>> heads = new ArrayList<>();
    private int tokens;

    Layer(Device device, Positions positions) {
      this.device = device;
      this.positions = positions;
      cache = device.kvCache(2, HEADS, HEAD_DIM, CAPACITY, positions);
      rope = device.rope(FREQUENCIES, FACTOR);
      for (int head = 0; head < HEADS; head++) {
        heads.add(new ArrayList<>());
      }
    }

    void append(int count, Fixture random) {
      float[] keys = random.floats(HEADS * count * HEAD_DIM);
      float[] values = random.floats(HEADS * count * HEAD_DIM);
      float[] places = new float[count];
      for (int i = 0; i < count; i++) {
        // Selected tokens are not next to each other.
        places[i] = positions == Positions.CACHE ? cache.length(1) + i : 3 * (tokens + i) + 1;
        for (int head = 0; head < HEADS; head++) {
          heads
              .get(head)
              .add(
                  new PlanReference.Entry(
                      channels(keys, head * count + i),
                      channels(values, head * count + i),
                      places[i],
                      tokens + i));
        }
      }
      Tensor at = Fixture.tensor(device, count, 1, places);
      Tensor rotated = CacheFixture.rows(device, HEADS, count, HEAD_DIM, keys);
      device.rotate(rotated, rope, at, count);
      Tensor plain = CacheFixture.rows(device, HEADS, count, HEAD_DIM, values);
      device.append(List.of(new Span(cache, 0, count)), 1, rotated, plain, at);
      tokens += count;
    }

    void apply(CachePlan plan, float[][] scores) {
      Tensor tensor = device.tensor(HEADS, CAPACITY);
      float[] rows = new float[HEADS * CAPACITY];
      for (int head = 0; head < HEADS; head++) {
        System.arraycopy(scores[head], 0, rows, head * CAPACITY, scores[head].length);
        heads.set(head, PlanReference.apply(plan, heads.get(head), scores[head], positions));
      }
      device.write(tensor, rows);
      device.apply(cache, 1, plan, rope, plan.ranks() ? tensor : null);
    }

    void check(String what) {
      assertThat(cache.length(0)).isZero();
      for (int head = 0; head < HEADS; head++) {
        List<PlanReference.Entry> entries = heads.get(head);
        assertThat(cache.length(1)).as(what).isEqualTo(entries.size());
        float[] keys = device.readKeys(cache, 1, head);
        float[] values = device.readValues(cache, 1, head);
        boolean original = positions == Positions.ORIGINAL;
        float[] stored = original ? CacheFixture.positions(cache, 1, head) : null;
        for (int i = 0; i < entries.size(); i++) {
          PlanReference.Entry entry = entries.get(i);
          float position = original ? stored[i] : i;
          assertThat(position).as(what).isCloseTo(entry.position(), within(1e-4f));
          double[] key = rotated(entry.key(), position);
          for (int c = 0; c < HEAD_DIM; c++) {
            String where = "%s, channel %s of entry %s of head %s".formatted(what, c, i, head);
            double value = values[i * HEAD_DIM + c];
            assertThat((double) keys[i * HEAD_DIM + c]).as(where).isCloseTo(key[c], within(5e-6));
            assertThat(value).as(where).isCloseTo(entry.value()[c], within(3e-6));
          }
        }
      }
    }

    private static double[] channels(float[] data, int row) {
      double[] channels = new double[HEAD_DIM];
      for (int c = 0; c < HEAD_DIM; c++) {
        channels[c] = data[row * HEAD_DIM + c];
      }
      return channels;
    }

    private static double[] rotated(double[] key, double position) {
      double[] rotated = new double[HEAD_DIM];
      int half = HEAD_DIM / 2;
      for (int pair = 0; pair < half; pair++) {
        double angle = position * FREQUENCIES[pair];
        double x = FACTOR * key[pair];
        double y = FACTOR * key[half + pair];
        rotated[pair] = x * Math.cos(angle) - y * Math.sin(angle);
        rotated[half + pair] = y * Math.cos(angle) + x * Math.sin(angle);
      }
      return rotated;
    }
  }

  /** Cuts the entries into ranges, drops some, and takes the others in any order. */
  private static CachePlan randomPlan(Random random, int length) {
    List<Segment> segments = new ArrayList<>();
    int from = 0;
    while (from < length) {
      int to = Math.min(length, from + 1 + random.nextInt(90));
      int size = to - from;
      int count = random.nextInt(size + 1);
      switch (random.nextInt(6)) {
        case 0 -> segments.add(new LowPass(from, to, random.nextInt(size)));
        case 1 -> segments.add(new Best(from, to, count));
        case 2 -> segments.add(new Rest(from, to, count));
        case 3 -> {
          segments.add(new Best(from, to, count));
          segments.add(new Rest(from, to, count));
        }
        case 4 -> segments.add(new Keep(from, to));
        default -> {}
      }
      from = to;
    }
    if (random.nextInt(4) > 0) {
      Collections.shuffle(segments, random);
    }
    return new CachePlan(length, segments);
  }

  private static float[][] randomScores(Random random, int length) {
    float[][] scores = new float[HEADS][length];
    int levels = 1 + random.nextInt(50);
    for (float[] row : scores) {
      for (int i = 0; i < length; i++) {
        row[i] = random.nextInt(levels) / 7f;
      }
    }
    return scores;
  }

  @ParameterizedTest
  @CsvSource({"CACHE,1", "CACHE,2", "CACHE,3", "ORIGINAL,4", "ORIGINAL,5", "ORIGINAL,6"})
  void matchesTheReference(Positions positions, int seed) {
    Random random = new Random(seed);
    Fixture data = new Fixture(seed);
    try (Device device = CpuDevice.open(2)) {
      for (int round = 0; round < 20; round++) {
        Layer layer = new Layer(device, positions);
        for (int step = 0; step < 3; step++) {
          layer.append(1 + random.nextInt(CAPACITY - layer.cache.length(1)), data);
          int length = layer.cache.length(1);
          CachePlan plan = randomPlan(random, length);
          layer.apply(plan, randomScores(random, length));
          layer.check("seed %s, round %s, step %s, %s".formatted(seed, round, step, plan));
          if (layer.cache.length(1) == CAPACITY) {
            break;
          }
        }
      }
    }
  }

  /** Whatever is ranked and moved, no token is there twice, and each range's stay in order. */
  @ParameterizedTest
  @CsvSource({"1", "2", "3"})
  void keepsOrderAndTakesNoTokenTwice(int seed) {
    Random random = new Random(seed);
    try (Device device = CpuDevice.open(2)) {
      for (int round = 0; round < 30; round++) {
        Layer layer = new Layer(device, Positions.ORIGINAL);
        int length = 1 + random.nextInt(CAPACITY);
        layer.append(length, new Fixture(round));
        CachePlan plan = randomPlan(random, length);
        layer.apply(plan, randomScores(random, length));
        assertThat(layer.cache.length(1)).isEqualTo(plan.result());
        for (int head = 0; head < HEADS; head++) {
          float[] positions = CacheFixture.positions(layer.cache, 1, head);
          int begin = 0;
          List<Float> exact = new ArrayList<>();
          for (Segment segment : plan.segments()) {
            for (int i = begin; i < begin + segment.length(); i++) {
              assertThat(positions[i])
                  .isBetween(3f * segment.from() + 1, 3f * (segment.to() - 1) + 1);
              if (i > begin) {
                assertThat(positions[i]).isGreaterThan(positions[i - 1]);
              }
              if (!(segment instanceof LowPass)) {
                exact.add(positions[i]);
              }
            }
            begin += segment.length();
          }
          assertThat(exact).doesNotHaveDuplicates();
        }
      }
    }
  }

  /** Bits, not only values: of what stays in place, and of all that original positions carry. */
  @ParameterizedTest
  @CsvSource({"CACHE", "ORIGINAL"})
  void whatIsNotTurnedKeepsItsBits(Positions positions) {
    try (Device device = CpuDevice.open(2)) {
      Layer layer = new Layer(device, positions);
      layer.append(150, new Fixture(1));
      // Best and rest of a head whose scores fall are where they were.
      float[][] scores = new float[HEADS][150];
      for (int i = 0; i < 150; i++) {
        scores[0][i] = -i;
        scores[1][i] = i;
      }
      float[] keys = device.readKeys(layer.cache, 1, 0);
      float[] values = device.readValues(layer.cache, 1, 0);
      float[] otherKeys = device.readKeys(layer.cache, 1, 1);
      float[] otherValues = device.readValues(layer.cache, 1, 1);
      layer.apply(
          CachePlan.of(
              150,
              new Keep(0, 4),
              new Best(4, 100, 30),
              new Rest(4, 100, 30),
              new LowPass(100, 140, 20),
              new Keep(140, 150)),
          scores);
      int still = 100 * HEAD_DIM;
      assertThat(Arrays.copyOf(device.readKeys(layer.cache, 1, 0), still))
          .isEqualTo(Arrays.copyOf(keys, still));
      assertThat(Arrays.copyOf(device.readValues(layer.cache, 1, 0), still))
          .isEqualTo(Arrays.copyOf(values, still));
      // Rising scores bring the last 30 of the range to its front.
      int from = 70 * HEAD_DIM;
      int count = 30 * HEAD_DIM;
      int to = 4 * HEAD_DIM;
      assertThat(Arrays.copyOfRange(device.readValues(layer.cache, 1, 1), to, to + count))
          .isEqualTo(Arrays.copyOfRange(otherValues, from, from + count));
      if (positions == Positions.ORIGINAL) {
        assertThat(Arrays.copyOfRange(device.readKeys(layer.cache, 1, 1), to, to + count))
            .isEqualTo(Arrays.copyOfRange(otherKeys, from, from + count));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"CACHE", "ORIGINAL"})
  void bitsDoNotDependOnThreads(Positions positions) {
    float[] expected = null;
    for (int threads = 1; threads <= 3; threads++) {
      try (Device device = CpuDevice.open(threads)) {
        Layer layer = new Layer(device, positions);
        layer.append(200, new Fixture(2));
        CachePlan plan =
            CachePlan.of(
                200,
                new Keep(0, 4),
                new LowPass(50, 180, 60),
                new Rest(4, 50, 20),
                new Best(4, 50, 20),
                new Keep(180, 200));
        layer.apply(plan, randomScores(new Random(3), 200));
        float[] keys = device.readKeys(layer.cache, 1, 2);
        assertThat(keys).isEqualTo(expected == null ? keys : expected);
        expected = keys;
      }
    }
  }

  @Test
  void aCopyHasThePositions() {
    try (Device device = CpuDevice.open(2)) {
      Layer layer = new Layer(device, Positions.ORIGINAL);
      layer.append(100, new Fixture(1));
      layer.apply(
          CachePlan.of(100, new Best(0, 90, 20), new LowPass(90, 100, 5)),
          randomScores(new Random(1), 100));
      KvCache copy = device.kvCache(2, HEADS, HEAD_DIM, 30, Positions.ORIGINAL);
      device.copy(copy, layer.cache);
      for (int head = 0; head < HEADS; head++) {
        assertThat(CacheFixture.positions(copy, 1, head))
            .isEqualTo(CacheFixture.positions(layer.cache, 1, head));
      }
    }
  }

  @Test
  void refusesWhatOverlaps() {
    refuses("apart", 9, new Keep(0, 4), new Keep(3, 9));
    refuses("apart", 9, new Keep(5, 9), new Keep(0, 6));
    refuses("before 10", 9, new Keep(0, 10));
    refuses("apart", 9, new Best(0, 9, 3), new Best(0, 9, 3));
    refuses("apart", 9, new Best(0, 9, 3), new Rest(0, 9, 4));
    refuses("apart", 9, new Best(0, 9, 3), new Rest(1, 9, 3));
    refuses("apart", 9, new Best(0, 9, 3), new Rest(0, 9, 3), new Best(0, 9, 3));
    refuses("apart", 9, new Best(0, 9, 3), new Keep(0, 9));
    assertThatThrownBy(() -> new Best(2, 5, 4))
        .hasMessageContaining("the best 4 of entries [2, 5)");
    assertThatThrownBy(() -> new Rest(2, 5, -1)).hasMessageContaining("the best -1");
  }

  private static void refuses(String message, int length, Segment... segments) {
    assertThatThrownBy(() -> CachePlan.of(length, segments))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void anEmptyCachesPlanIsEmpty() {
    try (Device device = CpuDevice.open(1)) {
      Layer layer = new Layer(device, Positions.CACHE);
      layer.apply(
          CachePlan.of(0, new Keep(0, 0), new Best(0, 0, 0), new Rest(0, 0, 0)),
          new float[HEADS][0]);
      layer.check("empty");
    }
  }
}
