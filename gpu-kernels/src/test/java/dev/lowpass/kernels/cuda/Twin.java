package dev.lowpass.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Quantization;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import dev.lowpass.kernels.cpu.CpuDevice;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.function.IntToDoubleFunction;

/**
 * A device under test and the CPU to compare it with. An operation is carried out on both, and on
 * the device with its threads in two orders, which must not make a difference of one bit.
 */
final class Twin implements AutoCloseable {
  private final Device cpu = CpuDevice.open(1);
  private final Driver driver = TestDriver.open(EmulatedDriver.Order.FORWARD);
  private final CudaDevice cuda;
  private final DType storage;
  private final Random random;

  Twin(DType storage, long seed) {
    this.storage = storage;
    cuda = new CudaDevice(driver, storage);
    random = new Random(seed);
  }

  DType storage() {
    return storage;
  }

  /**
   * How much a number of the storage type may be off its float, as a part of it: half a unit of its
   * last place.
   */
  double rounding() {
    return switch (storage) {
      case BF16 -> 0x1p-8;
      case F16 -> 0x1p-11;
      case F32 -> 0x1p-24;
    };
  }

  /** Random numbers that all storage types hold exactly. */
  float[] floats(int count) {
    float[] data = new float[count];
    for (int i = 0; i < count; i++) {
      data[i] =
          Float.intBitsToFloat(Float.floatToRawIntBits((float) random.nextGaussian()) & 0xffff0000);
      if (Math.abs(data[i]) < 0x1p-10) {
        data[i] = 0x1p-10f;
      }
    }
    return data;
  }

  /** Carries out an operation on all and returns the CPU's result, after comparing shapes. */
  Results run(Function<Device, float[]> operation) {
    float[] expected = operation.apply(cpu);
    TestDriver.setOrder(driver, EmulatedDriver.Order.BACKWARD);
    float[] backward = operation.apply(cuda);
    TestDriver.setOrder(driver, EmulatedDriver.Order.FORWARD);
    float[] actual = operation.apply(cuda);
    assertThat(actual).as("the order of threads makes a difference").isEqualTo(backward);
    assertThat(actual).hasSameSizeAs(expected);
    return new Results(actual, expected);
  }

  /** What the device made and what the CPU did. */
  record Results(float[] actual, float[] expected) {
    /** Asserts that no element is further off than {@code tolerance}. */
    void areWithin(double tolerance) {
      areWithin(i -> tolerance);
    }

    /** Asserts that no element is off by more than a part of itself. */
    void areWithinParts(double part) {
      areWithin(i -> part * Math.abs(expected[i]) + Float.MIN_NORMAL);
    }

    /** Asserts that no element is further off than its own tolerance. */
    void areWithin(IntToDoubleFunction tolerance) {
      for (int i = 0; i < actual.length; i++) {
        double bound = tolerance.applyAsDouble(i);
        // Not "greater": a NaN is no number within any bound.
        if (!(Math.abs((double) actual[i] - expected[i]) <= bound)) {
          throw new AssertionError(
              String.format(
                  "element %d of %d is %s, on the CPU %s: further apart than %s",
                  i, actual.length, actual[i], expected[i], bound));
        }
      }
    }

    void areEqual() {
      assertThat(actual).isEqualTo(expected);
    }
  }

  static Tensor tensor(Device device, int rows, int columns, float... data) {
    Tensor tensor = device.tensor(rows, columns);
    device.write(tensor, data);
    return tensor;
  }

  static float[] all(Device device, Tensor... tensors) {
    List<float[]> rows = new ArrayList<>();
    int size = 0;
    for (Tensor tensor : tensors) {
      for (int row = 0; row < tensor.rows(); row++) {
        rows.add(device.read(tensor, row));
        size += tensor.columns();
      }
    }
    float[] data = new float[size];
    int at = 0;
    for (float[] row : rows) {
      System.arraycopy(row, 0, data, at, row.length);
      at += row.length;
    }
    return data;
  }

  /**
   * A matrix of numbers from {@link #floats}, at an odd address as a safetensors file may have it.
   */
  static Weight weight(Device device, DType type, int rows, int columns, float... data) {
    return device.weight("test.weight", type, rows, columns, stored(type, data));
  }

  /** The same, rounded to bytes. */
  static Weight quantized(Device device, DType type, int rows, int columns, float... data) {
    return device.quantized("test.weight", type, rows, columns, stored(type, data));
  }

  /** The same in blocks. */
  static Weight blocks(
      Device device, Quantization quantization, int rows, int columns, float... data) {
    ByteBuffer blocks = ByteBuffer.allocateDirect((int) quantization.bytes(rows, columns));
    quantization.quantize("test.weight", DType.F32, rows, columns, stored(DType.F32, data), blocks);
    return device.blocks("test.weight", quantization, rows, columns, blocks);
  }

  private static ByteBuffer stored(DType type, float... data) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(1 + data.length * type.bytes());
    bytes.order(ByteOrder.LITTLE_ENDIAN).position(1);
    for (float value : data) {
      int bits = Float.floatToRawIntBits(value);
      switch (type) {
        case F32 -> bytes.putFloat(value);
        case BF16 -> bytes.putShort((short) (bits >>> 16));
        // Of seven bits of fraction and a normal half's exponent.
        case F16 ->
            bytes.putShort(
                (short) (bits >>> 16 & 0x8000 | (bits & 0x7fffffff) - (112 << 23) >>> 13));
      }
    }
    return bytes.position(1);
  }

  CudaDevice cuda() {
    return cuda;
  }

  Device cpu() {
    return cpu;
  }

  @Override
  public void close() {
    cuda.close();
    cpu.close();
  }
}
