package dev.lowpass.kernels.cpu;

import dev.lowpass.kernels.DType;
import dev.lowpass.kernels.Floats;
import dev.lowpass.kernels.Quantization;
import dev.lowpass.kernels.Weight;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;

/** A matrix of the checkpoint, where it is mapped; blocks may be in the heap as well. */
final class CpuWeight implements Weight {
  private static final float BYTE_MAX = 127;

  /** Words of a unit of blocks. */
  private static final int UNIT = Quantization.UNIT_BYTES / Integer.BYTES;

  /** The units that a thread reads, if they are only mapped. */
  private static final ThreadLocal<int[]> COPY = ThreadLocal.withInitial(() -> new int[0]);

  private final String name;
  private final DType type;
  private final Quantization quantization;
  private final int rows;
  private final int columns;
  private final ByteBuffer data;
  private final IntBuffer mapped;
  private WeightMemory.Words words;
  private float[] vector;
  private Boolean finite;

  CpuWeight(String name, DType type, int rows, int columns, ByteBuffer data) {
    this(name, type, null, rows, columns, (long) rows * columns * type.bytes(), data);
  }

  /** A matrix in blocks. */
  CpuWeight(String name, Quantization quantization, int rows, int columns, ByteBuffer data) {
    this(name, null, quantization, rows, columns, quantization.bytes(rows, columns), data);
  }

  private CpuWeight(
      String name,
      DType type,
      Quantization quantization,
      int rows,
      int columns,
      long bytes,
      ByteBuffer data) {
    if (rows < 1 || columns < 1) {
      throw new IllegalArgumentException(
          name + ": a weight [" + rows + ", " + columns + "] is empty");
    }
    if (data.remaining() != bytes) {
      throw new IllegalArgumentException(
          String.format(
              "%s: [%d, %d] of %s takes %d bytes, its data has %d",
              name,
              rows,
              columns,
              quantization == null ? type : quantization,
              bytes,
              data.remaining()));
    }
    this.name = name;
    this.type = type;
    this.quantization = quantization;
    this.rows = rows;
    this.columns = columns;
    this.data = data.slice().order(ByteOrder.LITTLE_ENDIAN);
    mapped = this.data.asIntBuffer();
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int columns() {
    return columns;
  }

  /** How its elements are stored; null where they are in blocks. */
  DType type() {
    return type;
  }

  /** What its blocks are; null where there are none. */
  Quantization quantization() {
    return quantization;
  }

  ByteBuffer data() {
    return data;
  }

  /** Has its blocks read from the heap, if there is room. */
  void copyTo(WeightMemory memory) {
    words = memory.copy(data);
  }

  /**
   * Finds units of blocks, for {@link #words} to have.
   *
   * @param position the first one's first byte
   * @param step bytes from one to the next
   * @param count how many
   * @return where the first one is, in words; the others are each {@link #distance} after
   */
  int find(int position, int step, int count) {
    if (words != null) {
      return words.begin() + position / Integer.BYTES;
    }
    int[] copy = COPY.get();
    if (copy.length < count * UNIT) {
      copy = new int[count * UNIT];
      COPY.set(copy);
    }
    for (int i = 0; i < count; i++) {
      mapped.get((position + i * step) / Integer.BYTES, copy, i * UNIT, UNIT);
    }
    return 0;
  }

  /** Words from one unit that was found to the next. */
  int distance(int step) {
    return words != null ? step / Integer.BYTES : UNIT;
  }

  /** Where {@link #find} found them: until it looks for others, if they are mapped. */
  int[] words() {
    return words != null ? words.array() : COPY.get();
  }

  /** Bytes a row, or {@link Quantization#ROWS} rows of blocks. */
  int stride() {
    return quantization == null ? columns * type.bytes() : quantization.groupBytes(columns);
  }

  /** Copies elements of a row. */
  void get(int row, int begin, int count, float[] out, int offset) {
    if (quantization == null) {
      Floats.get(type, data, row * stride() + begin * type.bytes(), out, offset, count);
    } else {
      quantization.get(data, columns, row, begin, out, offset, count);
    }
  }

  /** A vector's elements as floats: converted on first use, so that a matrix never is. */
  float[] vector() {
    if (rows != 1) {
      throw new IllegalArgumentException(this + " is no vector [1, n]");
    }
    if (vector == null) {
      float[] floats = new float[columns];
      get(0, 0, columns, floats, 0);
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
      get(i, 0, columns, row, 0);
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
