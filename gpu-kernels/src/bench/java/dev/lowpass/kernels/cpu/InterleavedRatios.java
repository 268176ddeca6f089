package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;

/**
 * Speeds next to each other in one run: contestants take turns. A turn is a pause, calls that are
 * not counted, for they wake the threads and the core's wide units, and calls that are: as in a
 * prefill, one product follows the other. On one thread the time is CPU time, which waiting for a
 * core does not lengthen; on several it is wall time.
 */
public final class InterleavedRatios {
  /** How long each contestant runs before the first turn: what the JIT compiler needs. */
  private static final long WARM_UP_NANOS = 3_000_000_000L;

  /** Of a turn: how long its calls are not counted, then how long they are. */
  private static final long TURN_NANOS = 50_000_000L;

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
        Device oneDnn = CpuDevice.openOneDnn(threads);
        Team team = new Team(threads)) {
      System.out.println(oneDnn.description() + ", median and best of " + rounds);
      for (int[] shape : new int[][] {{1536, 576}, {576, 1536}, {2048, 2048}, {8192, 2048}}) {
        prefill(device, oneDnn, threads, rounds, shape[0], shape[1]);
      }
      for (int columns : new int[] {576, 2048}) {
        decode(device, oneDnn, team, threads, rounds, columns);
      }
    }
  }

  private static void prefill(
      Device device, Device oneDnn, int threads, int rounds, int outputs, int columns) {
    int rows = 512;
    Map<String, Runnable> contestants = new LinkedHashMap<>();
    openblas.blas_set_num_threads(threads);
    // Values that every type holds: all contestants multiply the same.
    Fixture fixture = new Fixture(1);
    float[] inputs = fixture.floats(rows * columns);
    float[] matrix = fixture.floats(DType.F16, outputs * columns);
    FloatPointer x = new FloatPointer(inputs);
    FloatPointer w = new FloatPointer(matrix);
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
    Tensor in = Fixture.tensor(device, rows, columns, inputs);
    Tensor out = device.tensor(rows, outputs);
    for (DType type : DType.values()) {
      ByteBuffer data = ByteBuffer.allocateDirect(outputs * columns * type.bytes());
      data.put(Fixture.bytes(type, matrix)).flip();
      Weight weight = device.weight("weight", type, outputs, columns, data);
      contestants.put(type.name(), () -> device.linear(out, in, rows, weight, null));
      if (type == DType.BF16) {
        contestants.put("oneDNN", () -> oneDnn.linear(out, in, rows, weight, null));
      }
    }
    report(
        rows + " rows, " + outputs + "x" + columns,
        threads,
        rounds,
        contestants,
        2e-9 * rows * outputs * columns,
        "GFLOP/s");
  }

  private static void decode(
      Device device, Device oneDnn, Team team, int threads, int rounds, int columns) {
    ByteBuffer data =
        ByteBuffer.allocateDirect(DecodeBenchmark.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    // Small numbers in every type.
    for (int i = 0; i < DecodeBenchmark.BYTES; i += 2) {
      data.putShort(i, (short) (0x3000 | (i * 7919 & 0xfff)));
    }
    Map<String, Runnable> contestants = new LinkedHashMap<>();
    contestants.put("read", () -> DecodeBenchmark.sum(team, data));
    Tensor in = device.tensor(1, columns);
    for (DType type : DType.values()) {
      int outputs = DecodeBenchmark.BYTES / columns / type.bytes();
      ByteBuffer matrix = data.duplicate().limit(outputs * columns * type.bytes());
      Weight weight = device.weight("weight", type, outputs, columns, matrix);
      Tensor out = device.tensor(1, outputs);
      contestants.put(type.name(), () -> device.linear(out, in, 1, weight, null));
      if (type == DType.BF16) {
        contestants.put("oneDNN", () -> oneDnn.linear(out, in, 1, weight, null));
      }
    }
    report(
        "1 row, " + columns + " columns",
        threads,
        rounds,
        contestants,
        1e-9 * DecodeBenchmark.BYTES,
        "GB/s");
  }

  /** OpenBLAS's threads spin after a call, on a core that the next contestant needs. */
  private static void pause() {
    try {
      Thread.sleep(150);
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
    List<Runnable> calls = List.copyOf(contestants.values());
    for (Runnable call : calls) {
      repeat(call, WARM_UP_NANOS);
    }
    long[][] times = new long[calls.size()][rounds];
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < times.length; i++) {
        pause();
        repeat(calls.get(i), TURN_NANOS);
        long start = clock.getAsLong();
        int count = repeat(calls.get(i), TURN_NANOS);
        times[i][round] = (clock.getAsLong() - start) / count;
      }
    }
    for (long[] time : times) {
      Arrays.sort(time);
    }
    StringBuilder line = new StringBuilder(title).append(", ").append(unit).append(':');
    int i = 0;
    for (String name : contestants.keySet()) {
      long median = times[i][rounds / 2];
      line.append(
          String.format(
              " | %s %.1f (best %.1f) %.2f",
              name,
              work / (median * 1e-9),
              work / (times[i][0] * 1e-9),
              (double) times[0][rounds / 2] / median));
      i++;
    }
    System.out.println(line);
  }

  /** Calls for a while, once at least; how often. */
  private static int repeat(Runnable call, long nanos) {
    int count = 0;
    long start = System.nanoTime();
    do {
      call.run();
      count++;
    } while (System.nanoTime() - start < nanos);
    return count;
  }
}
