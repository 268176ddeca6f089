package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Devices;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas;
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

/** Prefill's linear layers, 512 rows on 2 threads, against OpenBLAS's sgemm. */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
@State(Scope.Benchmark)
public class LinearBenchmark {
  private static final int ROWS = 512;

  /** Outputs x inputs. */
  @Param({"1536x576", "576x1536", "2048x2048", "8192x2048"})
  public String shape;

  private int outputs;
  private int columns;
  private Device device;
  private Tensor in;
  private Tensor out;
  private Weight f32;
  private Weight bf16;
  private Weight f16;
  private FloatPointer blasIn;
  private FloatPointer blasWeight;
  private FloatPointer blasOut;

  /** Takes the operands: zeros do, nothing depends on values. */
  @Setup(Level.Trial)
  public void setup() {
    outputs = Integer.parseInt(shape.substring(0, shape.indexOf('x')));
    columns = Integer.parseInt(shape.substring(shape.indexOf('x') + 1));
    device = Devices.open("cpu", 2);
    in = device.tensor(ROWS, columns);
    out = device.tensor(ROWS, outputs);
    f32 = weight(DType.F32);
    bf16 = weight(DType.BF16);
    f16 = weight(DType.F16);
    openblas.blas_set_num_threads(2);
    blasIn = new FloatPointer((long) ROWS * columns).zero();
    blasWeight = new FloatPointer((long) outputs * columns).zero();
    blasOut = new FloatPointer((long) ROWS * outputs).zero();
  }

  private Weight weight(DType type) {
    return device.weight(
        "weight",
        type,
        outputs,
        columns,
        ByteBuffer.allocateDirect(outputs * columns * type.bytes()));
  }

  /** Ends the threads. */
  @TearDown(Level.Trial)
  public void close() {
    device.close();
  }

  /** float32 weights. */
  @Benchmark
  public void f32() {
    device.linear(out, in, ROWS, f32, null);
  }

  /** bfloat16 weights. */
  @Benchmark
  public void bf16() {
    device.linear(out, in, ROWS, bf16, null);
  }

  /** float16 weights. */
  @Benchmark
  public void f16() {
    device.linear(out, in, ROWS, f16, null);
  }

  /** OpenBLAS, float32. */
  @Benchmark
  public void openBlas() {
    openblas.cblas_sgemm(
        openblas.CblasRowMajor,
        openblas.CblasNoTrans,
        openblas.CblasTrans,
        ROWS,
        outputs,
        columns,
        1f,
        blasIn,
        columns,
        blasWeight,
        columns,
        0f,
        blasOut,
        outputs);
  }
}
