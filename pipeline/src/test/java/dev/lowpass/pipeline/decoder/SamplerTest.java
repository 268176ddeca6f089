package dev.lowpass.pipeline.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class SamplerTest {
  /** Log-probabilities of 0.5, 0.25, 0.15, 0.1; the rest is impossible. */
  private static final float[] LOGITS = {
    Float.NEGATIVE_INFINITY,
    (float) Math.log(0.15),
    (float) Math.log(0.5),
    (float) Math.log(0.1),
    (float) Math.log(0.25)
  };

  private static final int DRAWS = 40_000;

  private static Map<Integer, Double> frequencies(Sampler sampler) {
    Map<Integer, Double> shares = new TreeMap<>();
    for (int i = 0; i < DRAWS; i++) {
      shares.merge(sampler.next().of(LOGITS), 1.0 / DRAWS, Double::sum);
    }
    return shares;
  }

  @Test
  void drawsByProbability() {
    Map<Integer, Double> shares = frequencies(new Sampler(1, 0, 1, 1));
    assertThat(shares.keySet()).containsExactly(1, 2, 3, 4);
    assertThat(shares.get(2)).isCloseTo(0.5, within(0.01));
    assertThat(shares.get(4)).isCloseTo(0.25, within(0.01));
    assertThat(shares.get(1)).isCloseTo(0.15, within(0.01));
    assertThat(shares.get(3)).isCloseTo(0.1, within(0.01));
  }

  @Test
  void temperatureSharpens() {
    // At 1/2, probabilities are squared: 0.25 of 0.345.
    assertThat(frequencies(new Sampler(0.5f, 0, 1, 2)).get(2)).isCloseTo(0.725, within(0.01));
  }

  @Test
  void topKKeepsTheMostLikely() {
    Map<Integer, Double> shares = frequencies(new Sampler(1, 2, 1, 3));
    assertThat(shares.keySet()).containsExactly(2, 4);
    assertThat(shares.get(2)).isCloseTo(2 / 3.0, within(0.01));
  }

  @Test
  void topPKeepsTheSmallestSetThatReachesIt() {
    assertThat(frequencies(new Sampler(1, 0, 0.7f, 4)).keySet()).containsExactly(2, 4);
    assertThat(frequencies(new Sampler(1, 0, 0.8f, 5)).keySet()).containsExactly(1, 2, 4);
    assertThat(frequencies(new Sampler(1, 0, 1e-6f, 6)).keySet()).containsExactly(2);
  }

  @Test
  void topPIsTakenOfWhatTopKLeft() {
    // 0.5 of 0.75 reaches 0.6, so the second is out; of all it would not.
    assertThat(frequencies(new Sampler(1, 2, 0.6f, 7)).keySet()).containsExactly(2);
  }

  @Test
  void theSameSeedGivesTheSameTokens() {
    Sampler one = new Sampler(0.8f, 0, 0.95f, 42);
    Sampler other = new Sampler(0.8f, 0, 0.95f, 42);
    for (int i = 0; i < 200; i++) {
      assertThat(one.next().of(LOGITS)).isEqualTo(other.next().of(LOGITS));
    }
  }

  @Test
  void aProbabilityIsTheSoftmax() {
    double[] expected = {0, 0.15, 0.5, 0.1, 0.25};
    for (int token = 1; token < expected.length; token++) {
      assertThat(Sampler.probability(LOGITS, token)).isCloseTo(expected[token], within(1e-6));
    }
    assertThat(Sampler.probability(new float[] {0, 3e38f}, 0)).isZero();
    assertThat(Sampler.probability(new float[] {-3e38f, 3e38f}, 1)).isEqualTo(1);
  }

  @Test
  void refusesWhatIsNoDistribution() {
    assertThatThrownBy(() -> new Sampler(0, 0, 1, 0)).hasMessageContaining("temperature 0.0");
    assertThatThrownBy(() -> new Sampler(1, 0, 0, 0)).hasMessageContaining("top-p 0.0");
    assertThatThrownBy(() -> new Sampler(1, -1, 1, 0)).hasMessageContaining("top-k -1");
  }
}
