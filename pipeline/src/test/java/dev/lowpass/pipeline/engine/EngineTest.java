package dev.lowpass.pipeline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.pipeline.text.Message;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The engine on the bundled model. */
class EngineTest {
  private static final Path MODEL = Path.of("../sample-data/model");
  private static Engine engine;

  @BeforeAll
  static void load() {
    engine = Engine.load(new EngineOptions(MODEL, "cpu", 2, 0));
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  private static int[] prompt(String document, String question) {
    return engine
        .tokenizer()
        .encodeChat(List.of(new Message("user", document + "\n\n" + question)));
  }

  private static final String DOCUMENT =
      "This Services Agreement is made between Harbor Freight Lines and Summit Dairy. "
          + "The term is twelve months. Either party may end it with thirty days' notice.";

  @Test
  void questionsThatBranchOffOneDocumentGetTheAnswersTheyWouldGetAlone() {
    List<int[]> prompts =
        List.of(
            prompt(DOCUMENT, "Question: Who is the client?"),
            prompt(DOCUMENT, "Question: How long is the term?"),
            prompt(DOCUMENT, "Summarize the document."));
    GenerationOptions options = GenerationOptions.greedy(12);
    Result together = engine.complete(prompts, options);
    for (int i = 0; i < prompts.size(); i++) {
      Result alone = engine.complete(List.of(prompts.get(i)), options);
      assertThat(together.completions().get(i)).isEqualTo(alone.completions().get(0));
    }
    int shared = Request.sharedPrefix(prompts);
    long read = shared + prompts.stream().mapToLong(prompt -> prompt.length - shared).sum();
    assertThat(shared).isGreaterThan(30);
    assertThat(together.promptTokens()).isEqualTo(read);
    assertThat(together.stats().keptTokens())
        .isEqualTo(prompts.stream().mapToLong(prompt -> prompt.length).max().orElseThrow());
    assertThat(together.stats().cacheBytes()).isPositive();
  }

  @Test
  void sharedPrefixLeavesEachPromptATokenOfItsOwn() {
    assertThat(Request.sharedPrefix(List.of(new int[] {1, 2, 3}, new int[] {1, 2, 3})))
        .isEqualTo(2);
    assertThat(Request.sharedPrefix(List.of(new int[] {1, 2, 3}, new int[] {1, 2}))).isEqualTo(1);
    assertThat(Request.sharedPrefix(List.of(new int[] {1, 2}, new int[] {1, 2, 3}))).isEqualTo(1);
    assertThat(Request.sharedPrefix(List.of(new int[] {1}, new int[] {2}))).isZero();
  }

  @Test
  void documentsSubmittedTogetherGetTheAnswersTheyWouldGetAlone() throws Exception {
    List<int[]> prompts =
        IntStream.range(0, 12)
            .mapToObj(i -> prompt(DOCUMENT.repeat(1 + i % 3), "Word " + i))
            .toList();
    List<Completion> alone = new ArrayList<>();
    for (int[] prompt : prompts) {
      alone.add(engine.complete(List.of(prompt), GenerationOptions.greedy(8)).completions().get(0));
    }
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<Result>> results =
          prompts.stream()
              .map(
                  p ->
                      threads.submit(
                          () -> engine.complete(List.of(p), GenerationOptions.greedy(8))))
              .toList();
      for (int i = 0; i < prompts.size(); i++) {
        assertThat(results.get(i).get().completions().get(0)).isEqualTo(alone.get(i));
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void theSameSeedSamplesTheSameText() {
    List<int[]> prompts = List.of(prompt(DOCUMENT, "Summarize the document."));
    GenerationOptions warm = new GenerationOptions(24, 1.5f, 0.95f, 50, 11, List.of());
    Completion first = engine.complete(prompts, warm).completions().get(0);
    assertThat(engine.complete(prompts, warm).completions().get(0)).isEqualTo(first);
    List<Completion> others = new ArrayList<>();
    for (int seed = 12; seed < 17; seed++) {
      GenerationOptions other = new GenerationOptions(24, 1.5f, 0.95f, 50, seed, List.of());
      others.add(engine.complete(prompts, other).completions().get(0));
    }
    assertThat(Collections.frequency(others, first)).isLessThan(others.size());
  }

  @Test
  void aMeasurementWritesAsManyTokensAsItAsksFor() {
    String question =
        "Question: Who is the client, buyer or tenant?\nReply with a short text only, or null if not stated.";
    List<int[]> prompts = List.of(prompt(DOCUMENT, question));
    List<Integer> answer =
        engine.complete(prompts, GenerationOptions.greedy(64)).completions().get(0).tokens();
    List<Integer> measured =
        engine.complete(prompts, GenerationOptions.exactly(64)).completions().get(0).tokens();
    assertThat(answer).hasSizeLessThan(64);
    assertThat(measured).hasSize(64).startsWith(answer.toArray(Integer[]::new));
  }

  @Test
  void aStopStringEndsTheText() {
    List<int[]> prompts =
        List.of(prompt(DOCUMENT, "Summarize the document in one to three sentences."));
    String whole =
        engine.complete(prompts, GenerationOptions.greedy(16)).completions().get(0).text();
    assertThat(whole.length()).isGreaterThan(4);
    String stop = whole.substring(2, 4);
    GenerationOptions options = new GenerationOptions(16, 0, 1, 0, 0, List.of(stop));
    Completion stopped = engine.complete(prompts, options).completions().get(0);
    assertThat(stopped.text()).isEqualTo(whole.substring(0, whole.indexOf(stop)));
    assertThat(stopped.finishReason()).isEqualTo(FinishReason.STOP);
  }

  @Test
  void textIsHandedOverAsItIsWritten() {
    StringBuilder heard = new StringBuilder();
    Result result =
        engine.complete(
            Request.of(List.of(prompt(DOCUMENT, "Summarize the document."))),
            GenerationOptions.greedy(16),
            heard::append);
    assertThat(heard.toString()).isEqualTo(result.completions().get(0).text());
  }

  @Test
  void aPromptLongerThanTheWindowIsRefused() {
    int[] prompt = prompt(DOCUMENT.repeat(400), "Summarize the document.");
    assertThatThrownBy(() -> engine.complete(List.of(prompt), GenerationOptions.greedy(4)))
        .isInstanceOfSatisfying(
            DocumentException.class, e -> assertThat(e.type()).isEqualTo("input.too_long"))
        .hasMessage(
            "the prompt has %d tokens, and the window of %d must hold the answer too; split the document, bound the cache (--cache hybrid), or choose a model with a longer window",
            prompt.length, engine.contextTokens());
  }

  @Test
  void anInterruptedThreadStops() {
    int[] prompt = prompt(DOCUMENT, "Summarize the document.");
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> engine.complete(List.of(prompt), GenerationOptions.greedy(4)))
        .isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(engine.complete(List.of(prompt), GenerationOptions.greedy(4)).outputTokens())
        .isPositive();
  }
}
