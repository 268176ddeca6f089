package dev.lowpass.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The ranking against a stable sort. */
class RankingTest {
  @Test
  void isAStableSorts() {
    Random random = new Random(1);
    Ranking ranking = new Ranking();
    for (int round = 0; round < 300; round++) {
      int size = 1 + random.nextInt(200);
      int offset = random.nextInt(5);
      float[] scores = new float[offset + size];
      // Few levels make ties, also of negative numbers, infinities and both zeros.
      float[] levels = {0f, -0f, 1, 2, -3, 1e-40f, -1e-40f, Float.NEGATIVE_INFINITY, 1e30f};
      boolean ties = random.nextBoolean();
      for (int i = 0; i < scores.length; i++) {
        scores[i] = ties ? levels[random.nextInt(levels.length)] : (float) random.nextGaussian();
      }
      int count = round % 3 == 0 ? random.nextInt(2) * size : random.nextInt(size + 1);
      int[] ranked =
          IntStream.range(0, size)
              .boxed()
              .sorted(Comparator.comparingDouble(i -> -(scores[offset + i] + 0f)))
              .mapToInt(i -> i)
              .toArray();
      int[] best = Arrays.copyOf(ranked, count);
      int[] rest = Arrays.copyOfRange(ranked, count, size);
      Arrays.sort(best);
      Arrays.sort(rest);
      int[] out = new int[size + 3];
      ranking.best(scores, offset, size, count, out, 3);
      ranking.rest(scores, offset, size, count, out, 3 + count);
      assertThat(Arrays.copyOfRange(out, 3, 3 + count)).as("round %s", round).isEqualTo(best);
      assertThat(Arrays.copyOfRange(out, 3 + count, 3 + size)).isEqualTo(rest);
    }
  }
}
