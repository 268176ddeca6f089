package dev.lowpass.pipeline.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.check.Answers;
import dev.lowpass.pipeline.model.SharedModels;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Trained models' greedy output under every policy: the CUDA kernels, on a CPU, and the CPU. */
class EmulatedCudaTest {
  private static List<List<Integer>> complete(
      Path model,
      String device,
      CacheOptions cache,
      String prefill,
      Function<TextTokenizer, Request> request) {
    EngineOptions options =
        new EngineOptions(model, device, 1, 0, cache, PrefillOptions.of(prefill));
    try (Engine engine = Engine.load(options)) {
      Result result =
          engine.complete(request.apply(engine.tokenizer()), GenerationOptions.greedy(16));
      return result.completions().stream().map(Completion::tokens).toList();
    }
  }

  private static void compare(
      Path model, CacheOptions cache, String prefill, Function<TextTokenizer, Request> request) {
    assertThat(complete(model, "emulated", cache, prefill, request))
        .isEqualTo(complete(model, "cpu", cache, prefill, request));
  }

  /** Stored as float32. */
  @ParameterizedTest
  @CsvSource({
    "full, 0, full",
    "full, 0, fastkv",
    "freqkv, 64, full",
    "streaming, 64, full",
    "snapkv, 64, full",
    "hybrid, 64, full",
    "freqkv, 120, fastkv"
  })
  void storiesAreTheCpus(String cache, int cacheTokens, String prefill) throws IOException {
    Path model = SharedModels.stories260k();
    String story = Files.readString(model.resolve("expected.txt"));
    compare(
        model,
        CacheOptions.of(cache, cacheTokens),
        prefill,
        tokenizer -> {
          int[] tokens = tokenizer.encodeWithSpecial(story);
          return Request.of(List.of(Arrays.copyOf(tokens, 140), Arrays.copyOf(tokens, 150)));
        });
  }

  /** Stored as bfloat16, as the checkpoint is. */
  @ParameterizedTest
  @CsvSource({"full, 0, full", "full, 0, fastkv", "freqkv, 256, full", "hybrid, 256, full"})
  void answersAreTheCpus(String cache, int cacheTokens, String prefill) throws IOException {
    Path samples = Path.of("../sample-data");
    Answers.Policy policy = new Answers.Policy(cache, cacheTokens, prefill);
    assertThat(Answers.of(samples, "emulated", policy))
        .isEqualTo(Answers.of(samples, "cpu", policy));
  }
}
