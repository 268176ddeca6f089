package dev.lowpass.pipeline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.model.SharedModels;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Documents longer than the model's window of 512 through a cache of 128 entries or fewer. */
class BoundedCacheTest {
  private static final int[] DOCUMENT = new Random(5).ints(1500, 3, 512).toArray();

  @Test
  void branchesEqualQuestionsAskedAlone() {
    for (String policy : List.of("freqkv", "streaming")) {
      try (Engine engine = engine(CacheOptions.of(policy, 128))) {
        // 128 entries exactly at the end of the prefix, some less, and a prefix that fits.
        for (int length : new int[] {128 + 62 * 15, 1000, 100}) {
          List<int[]> prompts =
              List.of(prompt(length, 20, 1), prompt(length, 90, 2), prompt(length, 1, 3));
          Result together = engine.complete(prompts, GenerationOptions.greedy(70));
          int compressions = 0;
          for (int i = 0; i < prompts.size(); i++) {
            Result alone = engine.complete(List.of(prompts.get(i)), GenerationOptions.greedy(70));
            assertThat(together.completions().get(i).tokens())
                .as("%s, prompt %s after %s tokens", policy, i, length)
                .isEqualTo(alone.completions().get(0).tokens());
            compressions += alone.stats().compressions();
          }
          assertThat(together.stats().compressions())
              .isPositive()
              .isLessThanOrEqualTo(compressions);
        }
      }
    }
  }

  @Test
  void statsAreTrue() {
    try (Engine engine = engine(CacheOptions.of("freqkv", 128))) {
      Result result =
          engine.complete(List.of(Arrays.copyOf(DOCUMENT, 1000)), GenerationOptions.greedy(1));
      // 128 tokens, then 62 after each compression: 15 of them, and 4 entries more than 124.
      assertThat(result.stats().compressions()).isEqualTo(15);
      assertThat(result.stats().keptTokens()).isEqualTo(66 + (1000 - 128) - 14 * 62);
      assertThat(result.promptTokens()).isEqualTo(1000);
      long one = result.stats().cacheBytes();
      Result longer = engine.complete(List.of(DOCUMENT), GenerationOptions.greedy(1));
      assertThat(longer.stats().cacheBytes()).isEqualTo(one);
      // Some but not all of the energy is kept of what is no constant.
      assertThat(longer.stats().energyKept())
          .hasSize(5)
          .allSatisfy(kept -> assertThat(kept).isGreaterThan(0.2).isLessThan(0.999));
      // Two branches of a document that is in the window: entries have positions of their own.
      Result alone = engine.complete(List.of(prompt(300, 5, 1)), GenerationOptions.greedy(1));
      Result two =
          engine.complete(
              List.of(prompt(300, 5, 1), prompt(300, 6, 2)), GenerationOptions.greedy(1));
      assertThat(two.stats().cacheBytes()).isEqualTo(2 * alone.stats().cacheBytes());
      Result fits = engine.complete(List.of(prompt(90, 6, 2)), GenerationOptions.greedy(1));
      assertThat(fits.stats().energyKept()).containsOnly(Double.NaN);
    }
  }

  @Test
  void aCapacityThatIsNotExceededChangesNothing() {
    List<int[]> prompts = List.of(prompt(100, 30, 1), prompt(100, 12, 2));
    List<Completion> expected;
    try (Engine engine = engine(CacheOptions.FULL)) {
      expected = engine.complete(prompts, GenerationOptions.greedy(60)).completions();
    }
    for (String policy : List.of("freqkv", "streaming")) {
      try (Engine engine = engine(CacheOptions.of(policy, 190))) {
        Result result = engine.complete(prompts, GenerationOptions.greedy(60));
        assertThat(result.completions()).isEqualTo(expected);
        assertThat(result.stats().compressions()).isZero();
      }
    }
  }

  @Test
  void onlyAFullCacheIsBoundByTheWindow() {
    try (Engine engine = engine(CacheOptions.FULL)) {
      assertThatThrownBy(() -> engine.complete(List.of(DOCUMENT), GenerationOptions.greedy(1)))
          .isInstanceOf(DocumentException.class)
          .hasMessageContaining("--cache hybrid");
    }
    assertThatThrownBy(() -> engine(CacheOptions.of("freqkv", 513)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("window of 512");
  }

  private static Engine engine(CacheOptions cache) {
    return Engine.load(new EngineOptions(SharedModels.stories260k(), "cpu", 2, 0, cache));
  }

  /** The document's beginning, and a question of other tokens. */
  private static int[] prompt(int document, int question, int seed) {
    int[] prompt = Arrays.copyOf(DOCUMENT, document + question);
    int[] tokens = new Random(seed).ints(question, 3, 512).toArray();
    System.arraycopy(tokens, 0, prompt, document, question);
    return prompt;
  }
}
