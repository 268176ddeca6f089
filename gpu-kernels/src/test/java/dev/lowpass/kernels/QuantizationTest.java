package dev.lowpass.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantizationTest {
  /** What gguf-py's {@code quants.Q8_0} makes of {@link #golden}'s first 32. */
  private static final int[] Q8_0 = {
    -123, 24, -83, 64, -44, 103, -4, -111, 36, -71, 75, -32, 115, 8, -99, 48, -60, 87, -20, 127, 20,
    -87, 60, -48, 99, -8, -115, 32, -75, 71, -36, 111
  };

  /** What its {@code quants.Q4_0} makes of both halves, whose scales are the same. */
  private static final int[] Q4_0 = {
    7, -1, 5, -4, 3, -6, 0, 7, -2, 5, -5, 2, -7, 0, 6, -3, 4, -5, 1, -8, -1, 6, -4, 3, -6, 1, 7, -2,
    5, -4, 2, -7, -7, 2, -4, 5, -2, 7, 1, -6, 3, -4, 6, -1, -8, 1, -5, 4, -3, 6, 0, -7, 2, -5, 5,
    -2, 7, 0, -6, 3, -4, 5, -1, 7
  };

  private static final int Q8_0_SCALE = 0x1952;
  private static final int Q4_0_SCALE = 0xa947;

  @Test
  void int8IsQ80() {
    ByteBuffer unit = quantized(Quantization.INT8, 1, 32, golden(32));
    assertThat(unit.getShort(0)).isEqualTo((short) Q8_0_SCALE);
    for (int c = 0; c < 32; c++) {
      // The first word of a line has it, and the one 16 columns on, in its lower bytes.
      int bits = unit.get(64 + c % 16 * 64 + c / 16) & 255;
      assertThat(bits).as("column %s", c).isEqualTo(Q8_0[c] + 128);
    }
  }

  @Test
  void int4IsQ40OfLongerBlocks() {
    ByteBuffer unit = quantized(Quantization.INT4, 1, 64, golden(64));
    assertThat(unit.getShort(0)).isEqualTo((short) Q4_0_SCALE);
    for (int c = 0; c < 64; c++) {
      int bits = unit.getShort(64 + c % 16 * 64) >>> c / 16 * 4 & 15;
      assertThat(bits).as("column %s", c).isEqualTo(Q4_0[c] + 8);
    }
  }

  /** Rows 16 apart share words, the scales' too. */
  @ParameterizedTest
  @EnumSource(Quantization.class)
  void wordsHaveTwoRows(Quantization quantization) {
    int columns = quantization.blockColumns();
    float[] matrix = new float[35 * columns];
    for (int row : new int[] {3, 19, 34}) {
      System.arraycopy(golden(columns), 0, matrix, row * columns, columns);
    }
    ByteBuffer blocks = quantized(quantization, 35, columns, matrix);
    ByteBuffer first = quantized(quantization, 1, columns, golden(columns));
    // Integers of 0, and scales: those of four bits have the sign of minus an eighth of 0.
    int zeros = quantization == Quantization.INT8 ? 0x80808080 : 0x88888888;
    int zeroScales = quantization == Quantization.INT8 ? 0 : 0x80008000;
    for (int line = 0; line < 17; line++) {
      int row = first.getShort(line * 64);
      int both = (row & 0xffff) * 0x10001;
      int none = line == 0 ? zeroScales : zeros;
      int lower = row & 0xffff | none & 0xffff0000;
      for (int word = 0; word < 16; word++) {
        int at = line * 64 + word * 4;
        assertThat(blocks.getInt(at)).isEqualTo(word == 3 ? both : none);
        assertThat(blocks.getInt(Quantization.UNIT_BYTES + at)).isEqualTo(word == 2 ? lower : none);
      }
    }
  }

  private static float[] golden(int count) {
    float[] row = new float[count];
    for (int i = 0; i < count; i++) {
      int mirrored = i < 32 ? i : 63 - i;
      row[i] = (float) ((mirrored * 37 % 64 - 31) / 97.0);
    }
    return row;
  }

  /** In float64, from the definition: the nearest multiple of the scale, and no other. */
  @ParameterizedTest
  @EnumSource(Quantization.class)
  void everyElementIsTheNearestMultiple(Quantization quantization) {
    Random random = new Random(5);
    for (int round = 0; round < 30; round++) {
      int rows = 1 + random.nextInt(70);
      int columns = 1 + random.nextInt(200);
      float[] matrix = new float[rows * columns];
      double spread = Math.pow(2, random.nextInt(20) - 10);
      for (int i = 0; i < matrix.length; i++) {
        matrix[i] = (float) (random.nextGaussian() * spread);
      }
      ByteBuffer blocks = quantized(quantization, rows, columns, matrix);
      float[] row = new float[columns];
      for (int r = 0; r < rows; r++) {
        quantization.get(blocks, columns, r, 0, row, 0, columns);
        for (int begin = 0; begin < columns; begin += quantization.blockColumns()) {
          int end = Math.min(columns, begin + quantization.blockColumns());
          double extreme = 0;
          for (int c = begin; c < end; c++) {
            double x = matrix[r * columns + c];
            extreme = Math.abs(x) > Math.abs(extreme) ? x : extreme;
          }
          double step = Math.abs(extreme) / (quantization == Quantization.INT8 ? 127 : 8);
          for (int c = begin; c < end; c++) {
            double x = matrix[r * columns + c];
            // A half is off by 2^-11 of itself, or by 2^-25; int4 has no multiple 8 on one side.
            double beyond = Math.max(0, quantization == Quantization.INT4 ? side(x, extreme) : 0);
            double multiple = Math.abs(x) / step + 0.5;
            double bound =
                step * (0.5 + Math.max(0, beyond - 7.5)) * (1 + 1e-6)
                    + multiple * Math.max(step * 0x1p-11, 0x1p-25);
            assertThat(Math.abs(row[c] - x)).as("%s of %s", x, extreme).isLessThanOrEqualTo(bound);
          }
        }
      }
    }
  }

  /** How many eighths of the extreme an element is, on the other side of 0. */
  private static double side(double x, double extreme) {
    return -8 * x / extreme;
  }

  @ParameterizedTest
  @EnumSource(Quantization.class)
  void partsOfARowAndDenseMatricesAreTheSameNumbers(Quantization quantization) {
    int rows = 37;
    int columns = 150;
    float[] matrix = new float[rows * columns];
    Random random = new Random(6);
    for (int i = 0; i < matrix.length; i++) {
      matrix[i] = (float) random.nextGaussian();
    }
    ByteBuffer blocks = quantized(quantization, rows, columns, matrix);
    ByteBuffer dense = quantization.dense(DType.F32, rows, columns, blocks);
    ByteBuffer rounded = quantization.dense(DType.BF16, rows, columns, blocks);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        float[] one = new float[1];
        quantization.get(blocks, columns, r, c, one, 0, 1);
        int at = r * columns + c;
        assertThat(dense.getFloat(4 * at)).isEqualTo(one[0]);
        assertThat(rounded.getShort(2 * at)).isEqualTo(Floats.toBf16(one[0]));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Quantization.class)
  void whatIsThereTooMuchIsZero(Quantization quantization) {
    float[] ones = new float[3 * 70];
    Arrays.fill(ones, 1);
    ByteBuffer blocks = quantized(quantization, 3, 70, ones);
    float[] rest = new float[1];
    int filled = quantization.blocks(70) * quantization.blockColumns();
    for (int row = 0; row < Quantization.ROWS; row++) {
      for (int c = row < 3 ? 70 : 0; c < filled; c++) {
        quantization.get(blocks, 70, row, c, rest, 0, 1);
        assertThat(rest[0]).as("row %s, column %s", row, c).isZero();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 1e9f})
  void refusesWhatNoScaleReaches(float element) {
    float[] matrix = new float[4 * 40];
    matrix[3 * 40 + 39] = element;
    for (Quantization quantization : Quantization.values()) {
      assertThatThrownBy(() -> quantized(quantization, 4, 40, matrix))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "a: row 3 has an element that is not finite, or too large to be quantised; use its weights as they are stored");
    }
  }

  @Test
  void roundsToTheNearestBfloat16() {
    for (int bits = 0; bits < 0x7f80; bits++) {
      int middle = bits << 16 | 0x8000;
      int even = bits + (bits & 1);
      assertThat(Floats.toBf16(Float.intBitsToFloat(bits << 16))).isEqualTo((short) bits);
      assertThat(Floats.toBf16(Float.intBitsToFloat(middle))).isEqualTo((short) even);
      assertThat(Floats.toBf16(Float.intBitsToFloat(middle - 1))).isEqualTo((short) bits);
      assertThat(Floats.toBf16(-Float.intBitsToFloat(middle + 1)))
          .isEqualTo((short) (bits + 1 | 0x8000));
    }
    assertThat(Floats.fromBf16(Floats.toBf16(Float.intBitsToFloat(0x7f800001)))).isNaN();
  }

  private static ByteBuffer quantized(
      Quantization quantization, int rows, int columns, float[] matrix) {
    ByteBuffer stored = ByteBuffer.allocate(4 * matrix.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float element : matrix) {
      stored.putFloat(element);
    }
    ByteBuffer blocks =
        ByteBuffer.allocate((int) quantization.bytes(rows, columns)).order(ByteOrder.LITTLE_ENDIAN);
    quantization.quantize("a", DType.F32, rows, columns, stored.flip(), blocks);
    return blocks;
  }
}
