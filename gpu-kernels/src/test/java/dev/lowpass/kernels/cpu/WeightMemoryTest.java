package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class WeightMemoryTest {
  private static final long MOST = 64 << 20;

  private final WeightMemory memory = new WeightMemory(MOST, () -> MOST);

  @Test
  void weightsAreCopiedToCacheLinesOneAfterTheOther() {
    for (int words : new int[] {1, 16, 17, 1000, 3 << 20, 5}) {
      WeightMemory.Words copy = memory.copy(bytes(words));
      assertThat((copy.begin() - AlignedFloats.BEGIN) % AlignedFloats.LINE).isZero();
      for (int i = 0; i < words; i++) {
        assertThat(copy.array()[copy.begin() + i]).isEqualTo(31 * words + i);
      }
    }
  }

  @Test
  void smallOnesShareAnArray() {
    assertThat(memory.copy(bytes(100)).array()).isSameAs(memory.copy(bytes(200)).array());
  }

  @Test
  void copiesTakeNoMoreThanTheyMay() {
    long taken = 0;
    ByteBuffer weight = bytes(1 << 20);
    while (memory.copy(weight) != null) {
      taken += 4 << 20;
    }
    assertThat(taken).isBetween(MOST / 2, MOST);
  }

  @Test
  void whatIsTooLargeIsRefusedAndASmallerOneStillTaken() {
    WeightMemory small = new WeightMemory(8 << 20, () -> MOST);
    assertThat(small.copy(bytes(3 << 20))).isNull();
    assertThat(small.copy(bytes(1 << 20))).isNotNull();
  }

  @Test
  void whatTheHeapHasNoRoomForIsRefused() {
    AtomicLong free = new AtomicLong(3 << 20);
    WeightMemory full = new WeightMemory(MOST, free::get);
    assertThat(full.copy(bytes(1 << 20))).isNull();
    free.set(MOST);
    assertThat(full.copy(bytes(1 << 20))).isNotNull();
  }

  @Test
  void aSmallOneIsTakenWhereThereIsNoRoomForOthersBesideIt() {
    AtomicLong free = new AtomicLong(MOST);
    WeightMemory full = new WeightMemory(MOST, free::get);
    assertThat(full.copy(bytes(1 << 20))).isNotNull();
    free.set(1 << 10);
    assertThat(full.copy(bytes(100))).isNotNull();
    assertThat(full.copy(bytes(1000))).isNull();
  }

  /** So many words, at an odd address. */
  private static ByteBuffer bytes(int words) {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(1 + words * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.position(1);
    for (int i = 0; i < words; i++) {
      bytes.putInt(31 * words + i);
    }
    return bytes.position(1);
  }
}
