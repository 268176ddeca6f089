package dev.lowpass.pipeline.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A document's output is the same alone and in any company, to the bit. */
class CompanyTest {
  private static final int DOCUMENTS = 14;
  private static final int CLIENTS = 3;

  /** What some documents begin with, and some clients say. */
  private static final int[] HEAD = new Random(0).ints(40, 3, 400).toArray();

  @TempDir static Path folder;

  @BeforeAll
  static void write() throws IOException {
    TinyModel.write(folder);
  }

  /** A document of any length and any number of questions, as policies allow. */
  private record Asked(Request request, GenerationOptions options) {
    static Asked random(Random random, int longest) {
      int shared = random.nextInt(4) == 0 ? 0 : random.nextInt(longest);
      int[] document = random.ints(shared, 3, 400).toArray();
      System.arraycopy(
          HEAD, 0, document, 0, Math.min(shared, random.nextInt(2 * HEAD.length)) % 41);
      List<int[]> prompts = new ArrayList<>();
      for (int i = 1 + random.nextInt(5); i > 0; i--) {
        int[] prompt = Arrays.copyOf(document, shared + 1 + random.nextInt(30));
        for (int t = shared; t < prompt.length; t++) {
          prompt[t] = 3 + random.nextInt(400);
        }
        prompts.add(prompt);
      }
      int probes = random.nextInt(3) == 0 ? prompts.size() : random.nextInt(2);
      List<int[]> probe = new ArrayList<>();
      for (int i = 0; i < probes; i++) {
        probe.add(random.ints(1 + random.nextInt(20), 3, 400).toArray());
      }
      GenerationOptions options =
          new GenerationOptions(
              1 + random.nextInt(16), random.nextInt(3) == 0 ? 0.8f : 0, 0.9f, 20, 5, List.of());
      return new Asked(new Request(prompts, shared, probe), options);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "full, 0, full, 1",
    "full, 0, fastkv, 2",
    "streaming, 64, full, 3",
    "freqkv, 64, full, 4",
    "freqkv, 96, fastkv, 5",
    "snapkv, 64, full, 6",
    "snapkv, 80, fastkv, 7",
    "hybrid, 64, full, 8",
    "hybrid, 96, fastkv, 9"
  })
  void outputIsTheSameInAnyCompany(String cache, int cacheTokens, String prefill, long seed)
      throws Exception {
    // Every type of cache has its policies.
    String type = CacheOptions.TYPES.get((int) (seed % CacheOptions.TYPES.size()));
    Random random = new Random(seed);
    int longest = cache.equals("full") ? 200 : 600;
    List<Asked> documents = new ArrayList<>();
    for (int i = 0; i < DOCUMENTS; i++) {
      documents.add(Asked.random(random, longest));
    }
    List<Result> alone = new ArrayList<>();
    try (Engine engine = engine(type, cache, cacheTokens, prefill, 1, 1024)) {
      for (Asked document : documents) {
        alone.add(engine.complete(document.request(), document.options()));
      }
    }
    for (int[] size : new int[][] {{5, 1024}, {16, 40}, {3, 7}}) {
      try (Engine engine = engine(type, cache, cacheTokens, prefill, size[0], size[1])) {
        List<Result> together = together(engine, documents, random);
        for (int i = 0; i < DOCUMENTS; i++) {
          Result expected = alone.get(i);
          Result actual = together.get(i);
          assertThat(actual.completions())
              .as("document %d of seed %d with %s slots, %s tokens", i, seed, size[0], size[1])
              .isEqualTo(expected.completions());
          assertThat(actual.promptTokens()).isEqualTo(expected.promptTokens());
          assertThat(actual.outputTokens()).isEqualTo(expected.outputTokens());
          assertThat(actual.stats().keptTokens()).isEqualTo(expected.stats().keptTokens());
          assertThat(actual.stats().compressions()).isEqualTo(expected.stats().compressions());
          assertThat(actual.stats().energyKept()).isEqualTo(expected.stats().energyKept());
        }
        EngineStatus status = engine.status();
        assertThat(status.slotsUsed()).isZero();
        assertThat(status.cacheBytesUsed()).isZero();
        assertThat(status.queued()).isZero();
        assertThat(status.documents()).isGreaterThanOrEqualTo(DOCUMENTS);
        assertThat(status.failed()).isZero();
      }
    }
  }

  /** All of them by several clients, among others that are cancelled. */
  private static List<Result> together(Engine engine, List<Asked> documents, Random random)
      throws Exception {
    List<EngineClient> clients = new ArrayList<>();
    List<CompletableFuture<Result>> results = new ArrayList<>();
    List<CompletableFuture<Result>> unwanted = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      clients.add(i == 0 ? engine.client() : engine.client(List.of(head(1), head(2))));
    }
    try (EngineClient leaving = engine.client()) {
      for (int i = 0; i < DOCUMENTS; i++) {
        Asked document = documents.get(i);
        EngineClient client = clients.get(i % CLIENTS);
        results.add(client.submit(document.request(), document.options(), Limits.NONE));
        if (i % 5 == 0) {
          Asked other = documents.get(random.nextInt(DOCUMENTS));
          unwanted.add(leaving.submit(other.request(), other.options(), Limits.NONE));
        }
        if (random.nextInt(3) == 0) {
          Thread.sleep(random.nextInt(4));
          unwanted.get(random.nextInt(unwanted.size())).cancel(true);
        }
      }
    }
    List<Result> together = new ArrayList<>();
    for (CompletableFuture<Result> result : results) {
      together.add(result.get());
    }
    clients.forEach(EngineClient::close);
    return together;
  }

  private static int[] head(int next) {
    int[] prompt = Arrays.copyOf(HEAD, HEAD.length + 2);
    prompt[HEAD.length] = next;
    return prompt;
  }

  private static Engine engine(
      String type, String cache, int cacheTokens, String prefill, int slots, int batchTokens) {
    return Engine.load(
        new EngineOptions(
            folder,
            "cpu",
            2,
            0,
            CacheOptions.of(cache, cacheTokens).with("cache-type", type),
            prefill(cache, prefill),
            slots,
            batchTokens));
  }

  private static PrefillOptions prefill(String cache, String prefill) {
    return cache.equals("full") || prefill.equals("full")
        ? PrefillOptions.of(prefill)
        : new PrefillOptions(prefill, 1, 0.5, 0, 0, 0);
  }
}
