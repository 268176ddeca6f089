package dev.lowpass.kernels;

import java.nio.ByteBuffer;

/** Single elements of a weight as floats; exact for every stored type. */
public final class Floats {
  private static final float LARGEST_F16 = 65504;

  private Floats() {}

  /** The element at byte {@code position}. */
  public static float get(DType type, ByteBuffer data, int position) {
    return switch (type) {
      case F32 -> data.getFloat(position);
      case BF16 -> fromBf16(data.getShort(position));
      case F16 -> fromF16(data.getShort(position));
    };
  }

  /** Converts {@code count} elements from byte {@code position} on. */
  public static void get(
      DType type, ByteBuffer data, int position, float[] out, int offset, int count) {
    switch (type) {
      case F32 -> {
        for (int i = 0; i < count; i++) {
          out[offset + i] = data.getFloat(position + 4 * i);
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          out[offset + i] = fromBf16(data.getShort(position + 2 * i));
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          out[offset + i] = fromF16(data.getShort(position + 2 * i));
        }
      }
    }
  }

  /** Whether none of a buffer's halves is infinite or NaN. */
  public static boolean finiteF16(ByteBuffer data) {
    // Only a full exponent carries into the sign's place. Four halves at a time.
    long carries = 0;
    int end = data.limit() / Long.BYTES * Long.BYTES;
    for (int i = 0; i < end; i += Long.BYTES) {
      carries |= (data.getLong(i) & 0x7fff7fff7fff7fffL) + 0x0400040004000400L;
    }
    for (int i = end; i < data.limit(); i += Short.BYTES) {
      carries |= (data.getShort(i) & 0x7fff) + 0x0400;
    }
    return (carries & 0x8000800080008000L) == 0;
  }

  /** The float of a bfloat16's bits. */
  public static float fromBf16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /**
   * A half's exponent and fraction, moved to where a single has them, are a single 2^112 times too
   * small: true of subnormals too. Infinity and NaN need their exponent filled up.
   */
  public static float fromF16(short bits) {
    int moved = (bits & 0x7fff) << 13;
    int value =
        moved >= 0x0f800000
            ? moved | 0x7f800000
            : Float.floatToRawIntBits(Float.intBitsToFloat(moved) * 0x1p112f);
    return Float.intBitsToFloat(value | (bits & 0x8000) << 16);
  }

  /** The bfloat16 that is nearest, the even one where two are. */
  public static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }

  /**
   * The nearest half, of two that are as near the even one; the largest of its sign beyond their
   * range. What is not a number stays none.
   */
  public static short toF16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    float magnitude = Math.abs(value);
    if (!(magnitude < LARGEST_F16)) {
      return (short) (sign | (magnitude >= LARGEST_F16 ? 0x7bff : 0x7e00));
    }
    if (magnitude < 0x1p-14f) {
      // Subnormal: adding half of a unit's power of two leaves its multiple in the low bits.
      return (short) (sign | Float.floatToRawIntBits(magnitude + 0.5f) - 0x3f000000);
    }
    // Half of the last place that stays, or a little less where that is even already.
    int rounded = (bits & 0x7fffffff) + 0x0fff + (bits >>> 13 & 1);
    return (short) (sign | (rounded >>> 13) - (112 << 10));
  }
}
