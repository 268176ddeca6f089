package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SharesTest {
  private final Shares shares = new Shares();

  @Test
  void partsAreAllUnitsInTheirOrder() {
    for (int units : new int[] {0, 1, 2, 7, 144, 12_288, 1_000_000}) {
      for (int threads = 1; threads <= 5; threads++) {
        shares.cut(units, threads, 3, 100, 1);
        int next = 0;
        for (int part = 0; part < shares.count(); part++) {
          assertThat(shares.begin(part)).isEqualTo(next);
          assertThat(shares.end(part)).isGreaterThan(next);
          next = shares.end(part);
        }
        assertThat(next).isEqualTo(units);
      }
    }
  }

  @Test
  void partsShrinkFromTheMostToTheLeast() {
    shares.cut(1000, 2, 5, 150, 1);
    int before = 150;
    for (int part = 0; part < shares.count() - 1; part++) {
      int size = shares.end(part) - shares.begin(part);
      assertThat(size).isBetween(5, before);
      before = size;
    }
    assertThat(shares.end(0)).isEqualTo(150);
    assertThat(before).isEqualTo(5);
  }

  @Test
  void oneThreadHasOnePart() {
    shares.cut(1000, 1, 5, 150, 1);
    assertThat(shares.count()).isEqualTo(1);
  }

  @Test
  void threadsOfOneSpeedEndWithinALeastPart() {
    for (int units : new int[] {48, 144, 240, 768}) {
      shares.cut(units, 2, 3, 1000, 1);
      int[] done = new int[2];
      for (int part = 0; part < shares.count(); part++) {
        // Who has done less is free first.
        done[done[0] <= done[1] ? 0 : 1] += shares.end(part) - shares.begin(part);
      }
      assertThat(Math.abs(done[0] - done[1])).isLessThanOrEqualTo(3);
    }
  }

  @Test
  void unitsThatGoTogetherAreKeptTogether() {
    for (int units : new int[] {1, 3, 4, 18, 30, 96, 1537}) {
      for (int threads = 2; threads <= 5; threads++) {
        shares.cut(units, threads, 1, 10, 4);
        int odd = 0;
        for (int part = 0; part < shares.count(); part++) {
          int size = shares.end(part) - shares.begin(part);
          odd += size % 4 == 0 ? 0 : size;
        }
        assertThat(odd).as("%d units, %d threads", units, threads).isEqualTo(units % 4);
        assertThat(shares.end(shares.count() - 1)).isEqualTo(units);
      }
    }
  }
}
