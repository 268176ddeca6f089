package dev.lowpass.pipeline.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.model.SharedModels;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Trained models' greedy output under every policy: the CUDA kernels, on a CPU, and the CPU. */
class EmulatedCudaTest {
  private static List<List<Integer>> complete(
      Path model, String device, CacheOptions cache, String prefill, String text, int[] lengths) {
    EngineOptions options =
        new EngineOptions(model, device, 1, 0, cache, PrefillOptions.of(prefill));
    try (Engine engine = Engine.load(options)) {
      int[] tokens = engine.tokenizer().encodeWithSpecial(text);
      assertThat(tokens).hasSizeGreaterThanOrEqualTo(Arrays.stream(lengths).max().getAsInt());
      // One document; its prompts share all but the shortest's last token.
      List<int[]> prompts =
          Arrays.stream(lengths).mapToObj(length -> Arrays.copyOf(tokens, length)).toList();
      Result result = engine.complete(prompts, GenerationOptions.greedy(16));
      return result.completions().stream().map(Completion::tokens).toList();
    }
  }

  private static void compare(
      Path model, String cache, int cacheTokens, String prefill, String text, int... lengths) {
    CacheOptions options = CacheOptions.of(cache, cacheTokens);
    List<List<Integer>> expected = complete(model, "cpu", options, prefill, text, lengths);
    List<List<Integer>> actual = complete(model, "emulated", options, prefill, text, lengths);
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.get(i)).as("prompt %s", i).isEqualTo(expected.get(i));
    }
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
    "hybrid, 64, fastkv"
  })
  void storiesAreTheCpus(String cache, int cacheTokens, String prefill) throws IOException {
    Path model = SharedModels.stories260k();
    String story = Files.readString(model.resolve("expected.txt"));
    compare(model, cache, cacheTokens, prefill, story, 140, 150);
  }

  /** Stored as bfloat16, as the checkpoint is. */
  @ParameterizedTest
  @CsvSource({"full, 0, full", "freqkv, 96, full", "hybrid, 96, full"})
  void theBundledModelsAnswersAreTheCpus(String cache, int cacheTokens, String prefill)
      throws IOException {
    String contract = Files.readString(Path.of("../sample-data/contracts/contract-001.txt"));
    compare(Path.of("../sample-data/model"), cache, cacheTokens, prefill, contract, 200);
  }
}
