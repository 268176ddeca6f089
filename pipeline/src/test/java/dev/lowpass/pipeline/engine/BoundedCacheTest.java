package dev.lowpass.pipeline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.model.SharedModels;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.util.ArrayList;
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
          assertThat(Request.sharedPrefix(prompts)).isEqualTo(length);
          Result together = engine.complete(prompts, GenerationOptions.greedy(70));
          int compressions = 0;
          for (int i = 0; i < prompts.size(); i++) {
            Request asked = new Request(List.of(prompts.get(i)), length, List.of());
            Result alone = engine.complete(asked, GenerationOptions.greedy(70));
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
    Request request = new Request(prompts, 100, List.of(new int[] {5, 6, 7}));
    List<Completion> expected;
    try (Engine engine = engine(CacheOptions.FULL)) {
      expected = engine.complete(prompts, GenerationOptions.greedy(60)).completions();
    }
    for (String policy : CacheOptions.POLICIES) {
      for (String prefill : PrefillOptions.POLICIES) {
        if (policy.equals("full") && prefill.equals("fastkv")) {
          continue; // it keeps a tenth, see the next test
        }
        try (Engine engine = engine(CacheOptions.of(policy, 190), PrefillOptions.of(prefill))) {
          Result result = engine.complete(request, GenerationOptions.greedy(60));
          assertThat(result.completions()).as("%s %s", prefill, policy).isEqualTo(expected);
          assertThat(result.stats().compressions()).isZero();
        }
      }
    }
  }

  @Test
  void fastKvOfEverythingIsFull() {
    List<int[]> prompts = List.of(prompt(300, 30, 1), prompt(300, 12, 2));
    PrefillOptions everything = new PrefillOptions("fastkv", 2, 1, 0, 1, 0);
    try (Engine full = engine(CacheOptions.FULL);
        Engine fastKv = engine(CacheOptions.FULL, everything);
        Engine paper = engine(CacheOptions.FULL, PrefillOptions.of("fastkv"))) {
      GenerationOptions options = GenerationOptions.greedy(30);
      Result expected = full.complete(prompts, options);
      for (List<int[]> probes : List.of(List.<int[]>of(), List.of(new int[] {5, 6, 7}))) {
        Request request = new Request(prompts, 300, probes);
        assertThat(fastKv.complete(request, options).completions())
            .isEqualTo(expected.completions());
        Result less = paper.complete(request, options);
        // A tenth of the document, and the question behind it.
        assertThat(less.stats().keptTokens()).isEqualTo(30 + 30);
        assertThat(less.completions()).isNotEqualTo(expected.completions());
      }
      int[] alone = prompts.get(0);
      assertThat(paper.complete(List.of(alone), options).stats().keptTokens()).isEqualTo(33);
    }
  }

  /**
   * Three questions about a document that does not fit, whatever keeps it and whatever observes.
   */
  @Test
  void questionsWithProbes() {
    List<int[]> prompts = List.of(prompt(520, 20, 1), prompt(520, 30, 2), prompt(520, 9, 3));
    List<int[]> probes =
        prompts.stream().map(prompt -> Arrays.copyOfRange(prompt, 520, prompt.length)).toList();
    int[] all = probes.stream().flatMapToInt(Arrays::stream).toArray();
    GenerationOptions options = GenerationOptions.greedy(6);
    List<PrefillOptions> prefills =
        List.of(PrefillOptions.FULL, new PrefillOptions("fastkv", 2, 0.4, 0, 0, 0));
    for (String policy : List.of("hybrid", "snapkv", "freqkv")) {
      for (PrefillOptions prefill : prefills) {
        try (Engine engine = engine(CacheOptions.of(policy, 128), prefill)) {
          Result together = engine.complete(new Request(prompts, 520, List.of(all)), options);
          Result each = engine.complete(new Request(prompts, 520, probes), options);
          for (int i = 0; i < prompts.size(); i++) {
            Request alone = new Request(List.of(prompts.get(i)), 520, List.of(all));
            assertThat(engine.complete(alone, options).completions().get(0))
                .as("%s %s %s", policy, prefill, i)
                .isEqualTo(together.completions().get(i));
            Request own = new Request(List.of(prompts.get(i)), 520, List.of(probes.get(i)));
            assertThat(engine.complete(own, options).completions().get(0))
                .as("%s %s each %s", policy, prefill, i)
                .isEqualTo(each.completions().get(i));
          }
          boolean probed = policy.equals("hybrid") || policy.equals("freqkv") && prefill.selects();
          assertThat(together.promptTokens()).isEqualTo(579);
          assertThat(each.promptTokens()).isEqualTo(probed ? 1619 : 579);
          assertThat(together.stats().keptTokens()).isBetween(64L, 128L);
        }
      }
    }
  }

  @Test
  void memoryIsTheSameForAnyLength() {
    try (Engine engine = engine(CacheOptions.of("hybrid", 128))) {
      List<Long> bytes = new ArrayList<>();
      for (int length : new int[] {600, 1000, 1500}) {
        Request request =
            new Request(
                List.of(Arrays.copyOf(DOCUMENT, length)), length - 5, List.of(new int[] {4, 5}));
        bytes.add(engine.complete(request, GenerationOptions.greedy(1)).stats().cacheBytes());
      }
      assertThat(bytes).containsOnly(bytes.get(0));
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
    return engine(cache, PrefillOptions.FULL);
  }

  private static Engine engine(CacheOptions cache, PrefillOptions prefill) {
    return Engine.load(new EngineOptions(SharedModels.stories260k(), "cpu", 2, 0, cache, prefill));
  }

  /** The document's beginning, and a question of other tokens. */
  private static int[] prompt(int document, int question, int seed) {
    int[] prompt = Arrays.copyOf(DOCUMENT, document + question);
    int[] tokens = new Random(seed).ints(question, 3, 512).toArray();
    System.arraycopy(tokens, 0, prompt, document, question);
    return prompt;
  }
}
