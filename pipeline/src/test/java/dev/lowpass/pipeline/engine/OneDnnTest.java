package dev.lowpass.pipeline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.evaluation.TokenLosses;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The bundled model, whose weights are BF16, by oneDNN: where the processor is one for it. */
class OneDnnTest {
  private static final Path MODEL = Path.of("../sample-data/model");

  @BeforeAll
  static void processorHasBf16() throws IOException {
    Path cpus = Path.of("/proc/cpuinfo");
    assumeTrue(Files.exists(cpus) && Files.readString(cpus).contains(" avx512_bf16 "));
  }

  private static int[] contract(int number, int tokens) throws IOException {
    Path file = Path.of("../sample-data/contracts/contract-%03d.txt".formatted(number));
    try (TextTokenizer tokenizer = TextTokenizer.load(MODEL)) {
      return Arrays.copyOf(tokenizer.encode(Files.readString(file)), tokens);
    }
  }

  private static double perplexity(String device, int[] tokens) {
    try (TokenLosses losses = TokenLosses.open(MODEL, device, 2, CacheOptions.FULL)) {
      return Math.exp(Arrays.stream(losses.of(tokens)).skip(1).average().orElseThrow());
    }
  }

  @Test
  void roundedInputsCostNextToNothing() throws IOException {
    int[] tokens = contract(1, 600);
    double exact = perplexity("cpu", tokens);
    assertThat(perplexity("onednn", tokens))
        .isNotEqualTo(exact)
        .isCloseTo(exact, within(0.01 * exact));
  }

  @Test
  void outputIsTheSameInAnyCompany() throws Exception {
    GenerationOptions options = new GenerationOptions(12, 0, 1, 0, 1, List.of());
    List<Request> documents = new ArrayList<>();
    for (int i = 1; i <= 6; i++) {
      documents.add(new Request(List.of(contract(i, 50 * i)), 0, List.of()));
    }
    List<List<Completion>> alone = new ArrayList<>();
    try (Engine engine = engine(1, 1, 1024)) {
      for (Request document : documents) {
        alone.add(engine.complete(document, options).completions());
      }
    }
    for (int[] size : new int[][] {{2, 6, 1024}, {3, 4, 37}}) {
      try (Engine engine = engine(size[0], size[1], size[2]);
          EngineClient client = engine.client()) {
        List<CompletableFuture<Result>> together = new ArrayList<>();
        for (Request document : documents) {
          together.add(client.submit(document, options, Limits.NONE));
        }
        for (int i = 0; i < documents.size(); i++) {
          assertThat(together.get(i).get().completions())
              .as("document %s on %s threads, %s slots, %s tokens", i, size[0], size[1], size[2])
              .isEqualTo(alone.get(i));
        }
      }
    }
  }

  private static Engine engine(int threads, int slots, int batchTokens) {
    return Engine.load(
        new EngineOptions(
            MODEL,
            "onednn",
            threads,
            0,
            CacheOptions.of("hybrid", 128),
            PrefillOptions.FULL,
            slots,
            batchTokens));
  }
}
