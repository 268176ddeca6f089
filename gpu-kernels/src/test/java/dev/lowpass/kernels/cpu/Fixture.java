package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Tensor;
import dev.lowpass.kernels.Weight;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;

/** Random operands, in and out of a device. */
final class Fixture {
  static final List<Kernels> KERNELS = List.of(new PlainKernels(), new VectorKernels());

  private final Random random;

  Fixture(long seed) {
    random = new Random(seed);
  }

  static float[] all(Device device, Tensor tensor) {
    float[] data = new float[tensor.rows() * tensor.columns()];
    for (int row = 0; row < tensor.rows(); row++) {
      float[] values = device.read(tensor, row);
      System.arraycopy(values, 0, data, row * values.length, values.length);
    }
    return data;
  }

  static Tensor tensor(Device device, int rows, int columns, float... data) {
    Tensor tensor = device.tensor(rows, columns);
    device.write(tensor, data);
    return tensor;
  }

  /** Positions {@code [count, 1]}: first, first + 1, ... */
  static Tensor positions(Device device, int first, int count) {
    float[] positions = new float[count];
    for (int i = 0; i < count; i++) {
      positions[i] = first + i;
    }
    Tensor tensor = device.tensor(count, 1);
    device.write(tensor, positions);
    return tensor;
  }

  /** A direct buffer that begins at an odd address, as a safetensors file may have it. */
  static ByteBuffer bytes(DType type, float... data) {
    ByteBuffer buffer =
        ByteBuffer.allocateDirect(1 + data.length * type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    buffer.position(1);
    for (float value : data) {
      switch (type) {
        case F32 -> buffer.putFloat(value);
        case BF16 -> buffer.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
        case F16 -> buffer.putShort(halfBits(value));
      }
    }
    return buffer.position(1);
  }

  static Weight weight(Device device, DType type, int rows, int columns, float... data) {
    return device.weight("test.weight", type, rows, columns, bytes(type, data));
  }

  float[] floats(int count) {
    float[] data = new float[count];
    for (int i = 0; i < count; i++) {
      data[i] = (float) random.nextGaussian();
    }
    return data;
  }

  /** Floats that {@code type} holds exactly. */
  float[] floats(DType type, int count) {
    float[] data = floats(count);
    for (int i = 0; i < count && type != DType.F32; i++) {
      // Seven bits of fraction: exact in both short types, whose exponents reach that far.
      data[i] = Float.intBitsToFloat(Float.floatToRawIntBits(data[i]) & 0xffff0000);
      if (Math.abs(data[i]) < 0x1p-7) {
        data[i] = 0x1p-7f;
      }
    }
    return data;
  }

  /** The half of a value that has one. */
  private static short halfBits(float value) {
    int bits = Float.floatToRawIntBits(value);
    int exponent = ((bits >>> 23) & 0xff) - 127 + 15;
    if (value == 0) {
      return (short) (bits >>> 16);
    }
    if (exponent < 1 || exponent > 30 || (bits & 0x1fff) != 0) {
      throw new IllegalArgumentException(value + " is no normal half");
    }
    return (short) (((bits >>> 16) & 0x8000) | (exponent << 10) | ((bits >>> 13) & 0x3ff));
  }
}
