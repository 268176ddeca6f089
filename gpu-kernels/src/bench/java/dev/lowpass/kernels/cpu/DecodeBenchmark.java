package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
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
 * Decode's linear layers: one row through 512 MiB of weights, far more than any cache holds, on 2
 * threads. The yardstick sums as many bytes in the same threads.
 */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
@State(Scope.Benchmark)
public class DecodeBenchmark {
  static final int BYTES = 1 << 29;

  /** Inputs. */
  @Param({"576", "2048"})
  public int columns;

  /** Rows. */
  @Param({"1"})
  public int rows;

  private CpuDevice device;
  private Team team;
  private ByteBuffer data;
  private Tensor in;
  private Tensor out;
  private final Map<DType, Weight> weights = new EnumMap<>(DType.class);

  /** Takes the operands: zeros do, nothing depends on values. */
  @Setup(Level.Trial)
  public void setup() {
    device = CpuDevice.open(2);
    team = new Team(2);
    data = ByteBuffer.allocateDirect(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (DType type : DType.values()) {
      int outputs = BYTES / columns / type.bytes();
      ByteBuffer matrix = data.duplicate().limit(outputs * columns * type.bytes());
      weights.put(type, device.weight("weight", type, outputs, columns, matrix));
    }
    in = device.tensor(rows, columns);
  }

  /** Ends the threads. */
  @TearDown(Level.Trial)
  public void close() {
    team.close();
    device.close();
  }

  private void linear(DType type) {
    Weight weight = weights.get(type);
    if (out == null) {
      out = device.tensor(rows, weight.rows());
    }
    device.linear(out, in, rows, weight, null);
  }

  /** float32 weights. */
  @Benchmark
  public void f32() {
    linear(DType.F32);
  }

  /** bfloat16 weights. */
  @Benchmark
  public void bf16() {
    linear(DType.BF16);
  }

  /** float16 weights. */
  @Benchmark
  public void f16() {
    linear(DType.F16);
  }

  /** What the memory delivers. */
  @Benchmark
  public float read() {
    return sum(team, data);
  }

  static float sum(Team team, ByteBuffer data) {
    int parts = 512;
    float[] sums = new float[parts];
    team.run(
        parts, (part, worker) -> sums[part] = sum(data, part * (BYTES / parts), BYTES / parts));
    return sums[0];
  }

  private static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;

  private static float sum(ByteBuffer data, int from, int bytes) {
    FloatVector s0 = FloatVector.zero(FLOATS);
    FloatVector s1 = FloatVector.zero(FLOATS);
    FloatVector s2 = FloatVector.zero(FLOATS);
    FloatVector s3 = FloatVector.zero(FLOATS);
    int width = FLOATS.vectorByteSize();
    for (int i = from; i < from + bytes; i += 4 * width) {
      s0 = s0.add(FloatVector.fromByteBuffer(FLOATS, data, i, ByteOrder.LITTLE_ENDIAN));
      s1 = s1.add(FloatVector.fromByteBuffer(FLOATS, data, i + width, ByteOrder.LITTLE_ENDIAN));
      s2 = s2.add(FloatVector.fromByteBuffer(FLOATS, data, i + 2 * width, ByteOrder.LITTLE_ENDIAN));
      s3 = s3.add(FloatVector.fromByteBuffer(FLOATS, data, i + 3 * width, ByteOrder.LITTLE_ENDIAN));
    }
    return s0.add(s1).add(s2.add(s3)).lane(0);
  }
}
