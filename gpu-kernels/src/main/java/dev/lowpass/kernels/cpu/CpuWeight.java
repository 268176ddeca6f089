package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Weight;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A matrix of the checkpoint, where it is mapped. */
final class CpuWeight implements Weight {
  private static final float BYTE_MAX = 127;

  private final String name;
  private final DType type;
  private final int rows;
  private final int columns;
  private final ByteBuffer data;
  private float[] vector;
  private Boolean finite;

  CpuWeight(String name, DType type, int rows, int columns, ByteBuffer data) {
    if (rows < 1 || columns < 1) {
      throw new IllegalArgumentException(
          name + ": a weight [" + rows + ", " + columns + "] is empty");
    }
    long bytes = (long) rows * columns * type.bytes();
    if (data.remaining() != bytes) {
      throw new IllegalArgumentException(
          String.format(
              "%s: [%d, %d] of %s takes %d bytes, its data has %d",
              name, rows, columns, type, bytes, data.remaining()));
    }
    this.name = name;
    this.type = type;
    this.rows = rows;
    this.columns = columns;
    this.data = data.slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int columns() {
    return columns;
  }

  @Override
  public DType type() {
    return type;
  }

  ByteBuffer data() {
    return data;
  }

  /** Bytes a row. */
  int stride() {
    return columns * type.bytes();
  }

  /** A vector's elements as floats: converted on first use, so that a matrix never is. */
  float[] vector() {
    if (rows != 1) {
      throw new IllegalArgumentException(this + " is no vector [1, n]");
    }
    if (vector == null) {
      float[] floats = new float[columns];
      Floats.get(type, data, 0, floats, 0, columns);
      vector = floats;
    }
    return vector;
  }

  /** Whether no element of an F16 weight is infinite or NaN: looked at on first use. */
  boolean finite() {
    if (finite == null) {
      finite = Floats.finiteF16(data);
    }
    return finite;
  }

  /** Its elements rounded to signed bytes times a scale a row, as float32. */
  CpuWeight quantized() {
    ByteBuffer rounded =
        ByteBuffer.allocateDirect(
                Math.multiplyExact(Math.multiplyExact(rows, columns), Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    float[] row = new float[columns];
    for (int i = 0; i < rows; i++) {
      Floats.get(type, data, i * stride(), row, 0, columns);
      float max = 0;
      for (float element : row) {
        max = Math.max(max, Math.abs(element));
      }
      float inverse = max > 0 ? BYTE_MAX / max : 0;
      for (float element : row) {
        rounded.putFloat((float) Math.rint(element * inverse) * (max / BYTE_MAX));
      }
    }
    return new CpuWeight(name, DType.F32, rows, columns, rounded.flip());
  }

  @Override
  public String toString() {
    return name + " [" + rows + ", " + columns + "]";
  }
}
