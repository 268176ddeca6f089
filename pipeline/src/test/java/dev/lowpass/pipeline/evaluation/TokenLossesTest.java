package dev.lowpass.pipeline.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.model.SharedModels;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TokenLossesTest {
  private static final String STORY =
      "Once upon a time, there was a little girl named Lily. She loved to play outside in the park."
          + " One day, she saw a big red ball. She wanted to play with it, but it was too high. ";

  private static double[] losses(Path model, CacheOptions cache, int[] tokens) {
    try (TokenLosses losses = TokenLosses.open(model, "cpu", 2, cache)) {
      return losses.of(tokens);
    }
  }

  private static int[] story(Path model, int length) {
    try (TextTokenizer tokenizer = TextTokenizer.load(model)) {
      return IntStream.concat(
              tokenizer.bos().stream(), Arrays.stream(tokenizer.encode(STORY.repeat(20))))
          .limit(length)
          .toArray();
    }
  }

  private static double perplexity(double[] losses, int from, int to) {
    return Math.exp(Arrays.stream(losses, from, to).average().orElseThrow());
  }

  @Test
  void aModelForetellsWhatItWasTrainedOn() {
    Path model = SharedModels.stories260k();
    int[] story = story(model, 60);
    double own = perplexity(losses(model, CacheOptions.FULL, story), 1, 60);
    int[] shuffled = story.clone();
    for (int i = 1; i < 30; i++) {
      shuffled[i] = story[60 - i];
      shuffled[60 - i] = story[i];
    }
    double backwards = perplexity(losses(model, CacheOptions.FULL, shuffled), 1, 60);
    // Guessing at random: 512.
    assertThat(own).isBetween(1.0, 12.0);
    assertThat(backwards).isGreaterThan(100);
  }

  @Test
  void aBoundedCacheIsExactUntilItIsFull() {
    Path model = SharedModels.stories260k();
    int[] story = story(model, 200);
    double[] full = losses(model, CacheOptions.FULL, story);
    for (String policy : new String[] {"streaming", "freqkv", "snapkv", "hybrid"}) {
      double[] bounded = losses(model, CacheOptions.of(policy, 64), story);
      double[] roomy = losses(model, CacheOptions.of(policy, 256), story);
      for (int i = 0; i < story.length; i++) {
        assertThat(roomy[i]).as(policy + " " + i).isCloseTo(full[i], within(1e-3));
      }
      assertThat(perplexity(bounded, 1, 60)).isCloseTo(perplexity(full, 1, 60), within(1e-2));
      assertThat(bounded[199]).isNotEqualTo(full[199]);
    }
  }

  @Test
  void aFullCacheSlidesByHalfAWindow() {
    Path model = SharedModels.stories260k();
    int[] story = story(model, 1000);
    double[] all = losses(model, CacheOptions.FULL, story);
    // Its window is 512: the second one begins at 256, and its first 256 losses are the first's.
    double[] second = losses(model, CacheOptions.FULL, Arrays.copyOfRange(story, 256, 768));
    double[] third = losses(model, CacheOptions.FULL, Arrays.copyOfRange(story, 512, 1000));
    assertThat(Arrays.copyOfRange(all, 512, 768))
        .containsExactly(Arrays.copyOfRange(second, 256, 512), within(1e-6));
    assertThat(Arrays.copyOfRange(all, 768, 1000))
        .containsExactly(Arrays.copyOfRange(third, 256, 488), within(1e-6));
    assertThat(perplexity(all, 512, 1000)).isBetween(1.0, 12.0);
  }
}
