package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.CachePlan;
import dev.lowpass.kernels.CachePlan.Best;
import dev.lowpass.kernels.CachePlan.Keep;
import dev.lowpass.kernels.CachePlan.LowPass;
import dev.lowpass.kernels.CachePlan.Rest;
import dev.lowpass.kernels.KvCache;
import dev.lowpass.kernels.Pooling;
import dev.lowpass.kernels.Positions;
import dev.lowpass.kernels.Rope;
import dev.lowpass.kernels.Span;
import dev.lowpass.kernels.Tensor;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a chunk of 256 tokens costs one layer besides its linear layers, in a cache of 1,024 entries
 * that it fills: 9 query heads on 3 kv heads of 64 channels.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
@State(Scope.Benchmark)
public class CacheBenchmark {
  private static final int ENTRIES = 1024;
  private static final int ROWS = 256;
  private static final int HEADS = 9;
  private static final int KV_HEADS = 3;
  private static final int HEAD_DIM = 64;
  private static final int ALL = Integer.MAX_VALUE;
  private static final float SCALE = 0.125f;

  /** Sinks, a band and a bank; the rest is the chunk. */
  private static final CachePlan SETTLE =
      CachePlan.of(
          ENTRIES, new Keep(0, 258), new Rest(258, ENTRIES, 510), new Best(258, ENTRIES, 510));

  private static final CachePlan COMPRESS =
      CachePlan.of(ENTRIES, new Keep(0, 4), new LowPass(4, 514, 255), new Keep(514, ENTRIES));

  /** Threads. */
  @Param({"1", "2"})
  public int threads;

  /** What entries' positions are. */
  @Param({"CACHE", "ORIGINAL"})
  public Positions positions;

  private CpuDevice device;
  private KvCache cache;
  private KvCache branch;
  private Rope rope;
  private Span span;
  private Tensor queries;
  private Tensor out;
  private Tensor logSums;
  private Tensor scores;

  /** Fills the cache. */
  @Setup(Level.Trial)
  public void setup() {
    device = CpuDevice.open(threads);
    cache = device.kvCache(1, KV_HEADS, HEAD_DIM, ENTRIES, positions);
    branch = device.kvCache(1, KV_HEADS, HEAD_DIM, ENTRIES, positions);
    double[] frequencies = new double[HEAD_DIM / 2];
    float[] places = new float[ENTRIES];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = Math.pow(10000, -2.0 * i / HEAD_DIM);
    }
    for (int i = 0; i < ENTRIES; i++) {
      places[i] = i;
    }
    rope = device.rope(frequencies, 1);
    Tensor at = device.tensor(ENTRIES, 1);
    device.write(at, places);
    Tensor keys = random(ENTRIES, KV_HEADS * HEAD_DIM);
    device.append(List.of(new Span(cache, 0, ENTRIES)), 0, keys, keys, at);
    span = new Span(cache, 0, ROWS);
    queries = random(ROWS, HEADS * HEAD_DIM);
    out = device.tensor(ROWS, HEADS * HEAD_DIM);
    logSums = device.tensor(ROWS, HEADS);
    scores = device.tensor(KV_HEADS, ENTRIES);
    attention();
    observe(8);
  }

  private Tensor random(int rows, int columns) {
    Random random = new Random(rows);
    float[] data = new float[rows * columns];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) random.nextGaussian();
    }
    Tensor tensor = device.tensor(rows, columns);
    device.write(tensor, data);
    return tensor;
  }

  /** Ends the threads. */
  @TearDown(Level.Trial)
  public void close() {
    device.close();
  }

  /** The chunk's attention, with its log-sums. */
  @Benchmark
  public void attention() {
    device.attention(out, queries, List.of(span), 0, SCALE, ALL, logSums);
  }

  private void observe(int rows) {
    Pooling pooling = new Pooling(Pooling.Kind.MAX, 7);
    device.observe(
        scores, queries, logSums, span, rows, 0, SCALE, ALL, 258, ENTRIES, pooling);
  }

  /** Scores of bank and chunk by an observation window of 8. */
  @Benchmark
  public void observeByEight() {
    observe(8);
  }

  /** Scores by a probe of 64. */
  @Benchmark
  public void observeBySixtyFour() {
    observe(64);
  }

  /** The best of bank and chunk change places with the others. */
  @Benchmark
  public void settle() {
    device.apply(cache, 0, SETTLE, rope, scores);
  }

  /** What {@link #compress} includes, to be taken off. */
  @Benchmark
  public void copy() {
    device.copy(branch, cache);
  }

  /** A copy, and the band's low-pass; the bank moves up. */
  @Benchmark
  public void compress() {
    device.copy(branch, cache);
    device.apply(branch, 0, COMPRESS, rope, null);
  }
}
