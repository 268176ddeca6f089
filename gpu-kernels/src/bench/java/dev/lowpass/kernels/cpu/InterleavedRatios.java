package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;

/**
 * The benchmarks' ratios on a machine that others use too: contestants take turns, and each one's
 * best time counts. On one thread that is CPU time, which waiting for a core does not lengthen; on
 * several it is wall time, which needs some moments in which all cores are ours.
 */
public final class InterleavedRatios {
  private InterleavedRatios() {}

  /**
   * Prints a table.
   *
   * @param args threads, rounds
   */
  public static void main(String[] args) {
    int threads = Integer.parseInt(args[0]);
    int rounds = Integer.parseInt(args[1]);
    try (Device device = CpuDevice.open(threads);
        Team team = new Team(threads)) {
      System.out.println(device.description() + ", best of " + rounds);
      for (int[] shape : new int[][] {{1536, 576}, {576, 1536}, {2048, 2048}, {8192, 2048}}) {
        prefill(device, threads, rounds, shape[0], shape[1]);
      }
      for (int columns : new int[] {576, 2048}) {
        decode(device, team, threads, rounds, columns);
      }
    }
  }

  private static void prefill(Device device, int threads, int rounds, int outputs, int columns) {
    int rows = 512;
    Map<String, Runnable> contestants = new LinkedHashMap<>();
    openblas.blas_set_num_threads(threads);
    FloatPointer x = new FloatPointer((long) rows * columns).zero();
    FloatPointer w = new FloatPointer((long) outputs * columns).zero();
    FloatPointer y = new FloatPointer((long) rows * outputs).zero();
    contestants.put(
        "OpenBLAS",
        () ->
            openblas.cblas_sgemm(
                openblas.CblasRowMajor,
                openblas.CblasNoTrans,
                openblas.CblasTrans,
                rows,
                outputs,
                columns,
                1f,
                x,
                columns,
                w,
                columns,
                0f,
                y,
                outputs));
    Tensor in = device.tensor(rows, columns);
    Tensor out = device.tensor(rows, outputs);
    for (DType type : DType.values()) {
      ByteBuffer data = ByteBuffer.allocateDirect(outputs * columns * type.bytes());
      Weight weight = device.weight("weight", type, outputs, columns, data);
      contestants.put(type.name(), () -> device.linear(out, in, rows, weight, null));
    }
    report(
        rows + " rows, " + outputs + "x" + columns,
        threads,
        rounds,
        contestants,
        2e-9 * rows * outputs * columns,
        "GFLOP/s");
  }

  private static void decode(Device device, Team team, int threads, int rounds, int columns) {
    ByteBuffer data = ByteBuffer.allocateDirect(DecodeBenchmark.BYTES);
    Map<String, Runnable> contestants = new LinkedHashMap<>();
    contestants.put("read", () -> DecodeBenchmark.sum(team, data));
    Tensor in = device.tensor(1, columns);
    for (DType type : DType.values()) {
      int outputs = DecodeBenchmark.BYTES / columns / type.bytes();
      ByteBuffer matrix = data.duplicate().limit(outputs * columns * type.bytes());
      Weight weight = device.weight("weight", type, outputs, columns, matrix);
      Tensor out = device.tensor(1, outputs);
      contestants.put(type.name(), () -> device.linear(out, in, 1, weight, null));
    }
    report(
        "1 row, " + columns + " columns",
        threads,
        rounds,
        contestants,
        1e-9 * DecodeBenchmark.BYTES,
        "GB/s");
  }

  /** OpenBLAS's threads spin on for some 30 ms, on a core that the next contestant needs. */
  private static void pause() {
    try {
      Thread.sleep(60);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void report(
      String title,
      int threads,
      int rounds,
      Map<String, Runnable> contestants,
      double work,
      String unit) {
    LongSupplier clock =
        threads == 1
            ? ManagementFactory.getThreadMXBean()::getCurrentThreadCpuTime
            : System::nanoTime;
    long[] best = new long[contestants.size()];
    Arrays.fill(best, Long.MAX_VALUE);
    for (int round = 0; round < rounds; round++) {
      int i = 0;
      for (Runnable contestant : contestants.values()) {
        pause();
        long start = clock.getAsLong();
        contestant.run();
        best[i] = Math.min(best[i], clock.getAsLong() - start);
        i++;
      }
    }
    StringBuilder line = new StringBuilder(title).append(':');
    int i = 0;
    for (String name : contestants.keySet()) {
      double ratio = (double) best[0] / best[i];
      line.append(String.format(" | %s %.1f %s %.2f", name, work / (best[i] * 1e-9), unit, ratio));
      i++;
    }
    System.out.println(line);
  }
}
