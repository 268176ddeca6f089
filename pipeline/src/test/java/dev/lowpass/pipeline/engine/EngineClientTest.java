package dev.lowpass.pipeline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.kernels.DeviceException;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Windows, turns, deadlines, cancellation and failures, with a device that can be held up. */
class EngineClientTest {
  private static final int SLOTS = 3;
  private static final GenerationOptions ANSWER = GenerationOptions.exactly(4);

  @TempDir static Path folder;

  private Engine engine;

  @BeforeAll
  static void write() throws IOException {
    TinyModel.write(folder);
  }

  @BeforeEach
  void load() {
    engine =
        Engine.load(
            new EngineOptions(
                folder, "hooked", 1, 0, CacheOptions.FULL, PrefillOptions.FULL, SLOTS, 64));
  }

  @AfterEach
  void close() {
    HookedDevice.hook(operation -> {});
    engine.close();
  }

  private static Request request(int tokens, long seed) {
    return Request.of(List.of(new Random(seed).ints(tokens, 3, 400).toArray()));
  }

  /** Holds passes up until it is opened. */
  private static CountDownLatch hold() {
    CountDownLatch gate = new CountDownLatch(1);
    HookedDevice.hook(
        operation -> {
          if (operation.equals("embed")) {
            await(gate);
          }
        });
    return gate;
  }

  private static void await(CountDownLatch gate) {
    try {
      gate.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aClientRefusesWhatIsBeyondItsWindow() throws Exception {
    CountDownLatch gate = hold();
    try (EngineClient client = engine.client();
        EngineClient other = engine.client()) {
      List<CompletableFuture<Result>> results = new ArrayList<>();
      for (int i = 0; i < client.window(); i++) {
        results.add(client.submit(request(5, i), ANSWER, Limits.NONE));
      }
      assertThatThrownBy(() -> client.submit(request(5, 9), ANSWER, Limits.NONE))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("in flight");
      results.add(other.submit(request(5, 9), ANSWER, Limits.NONE));
      gate.countDown();
      for (CompletableFuture<Result> result : results) {
        assertThat(result.get().outputTokens()).isEqualTo(4);
      }
      assertThat(client.submit(request(5, 9), ANSWER, Limits.NONE).get().outputTokens())
          .isEqualTo(4);
      assertThat(engine.status().documents()).isEqualTo(results.size() + 1);
    }
  }

  /**
   * A place in the window is free again when the future ends, so one may follow the other there.
   */
  @Test
  void aDocumentMaySubmitTheNext() throws Exception {
    try (EngineClient client = engine.client()) {
      AtomicInteger left = new AtomicInteger(50);
      CompletableFuture<Void> all = new CompletableFuture<>();
      for (int i = 0; i < client.window(); i++) {
        follow(client, left, all);
      }
      all.get();
    }
  }

  private static void follow(EngineClient client, AtomicInteger left, CompletableFuture<Void> all) {
    client
        .submit(request(5, 1), ANSWER, Limits.NONE)
        .whenComplete(
            (result, failure) -> {
              if (failure != null) {
                all.completeExceptionally(failure);
              } else if (left.decrementAndGet() == 0) {
                all.complete(null);
              } else if (left.get() > 0) {
                try {
                  follow(client, left, all);
                } catch (IllegalStateException e) {
                  all.completeExceptionally(e);
                }
              }
            });
  }

  @Test
  void whatAllDocumentsBeginWithIsReadOnce() throws Exception {
    int[] one = request(50, 1).prompts().get(0);
    int[] other = request(60, 2).prompts().get(0);
    System.arraycopy(one, 0, other, 0, 30);
    int[] alien = request(50, 3).prompts().get(0);
    try (EngineClient plain = engine.client();
        EngineClient alike = engine.client(List.of(one, other))) {
      List<Integer> read = new ArrayList<>();
      for (int[] prompt : List.of(one, other, alien, one)) {
        List<Completion> expected =
            plain.submit(Request.of(List.of(prompt)), ANSWER, Limits.NONE).get().completions();
        long before = engine.status().rows();
        Result result = alike.submit(Request.of(List.of(prompt)), ANSWER, Limits.NONE).get();
        assertThat(result.completions()).isEqualTo(expected);
        assertThat(result.promptTokens()).isEqualTo(prompt.length);
        read.add((int) (engine.status().rows() - before) - 3);
      }
      assertThat(read).containsExactly(20, 30, 50, 20);
    }
  }

  @Test
  void questionsAboutADocumentAreAnsweredTogether() {
    int[] document = request(40, 1).prompts().get(0);
    List<int[]> prompts = new ArrayList<>();
    for (int i = 0; i < SLOTS; i++) {
      prompts.add(Arrays.copyOf(document, document.length + 1));
      prompts.get(i)[document.length] = 10 + i;
    }
    GenerationOptions ten = GenerationOptions.exactly(10);
    Result together = engine.complete(new Request(prompts, document.length, List.of()), ten);
    // The document, the questions, and nine more tokens of each answer.
    assertThat(engine.status().passes()).isEqualTo(2 + 9);
    for (int i = 0; i < SLOTS; i++) {
      Result alone = engine.complete(List.of(prompts.get(i)), ten);
      assertThat(together.completions().get(i)).isEqualTo(alone.completions().get(0));
      assertThat(together.stats().cacheBytes()).isEqualTo(SLOTS * alone.stats().cacheBytes());
    }
  }

  @Test
  void clientsTakeTurns() throws Exception {
    CountDownLatch gate = hold();
    List<String> order = new ArrayList<>();
    try (EngineClient many = engine.client();
        EngineClient few = engine.client()) {
      List<CompletableFuture<Result>> results = new ArrayList<>();
      for (int i = 0; i < many.window(); i++) {
        results.add(submit(many, "many", order));
      }
      results.add(submit(few, "few", order));
      gate.countDown();
      for (CompletableFuture<Result> result : results) {
        result.get();
      }
    }
    // Three were on the device or next when it came, and one of the others' may be before it.
    assertThat(order.indexOf("few")).isBetween(0, 4);
    assertThat(order).hasSize(SLOTS + 5);
  }

  private static CompletableFuture<Result> submit(
      EngineClient client, String name, List<String> order) {
    return client
        .submit(request(30, 1), ANSWER, Limits.NONE)
        .whenComplete((result, failure) -> order.add(name));
  }

  @Test
  void whatIsCancelledMakesRoom() throws Exception {
    CountDownLatch gate = hold();
    EngineClient client = engine.client();
    List<CompletableFuture<Result>> results = new ArrayList<>();
    for (int i = 0; i < client.window(); i++) {
      results.add(client.submit(request(40, i), GenerationOptions.exactly(150), Limits.NONE));
    }
    results.forEach(result -> result.cancel(true));
    gate.countDown();
    client.close();
    assertThat(engine.complete(request(5, 1), ANSWER).outputTokens()).isEqualTo(4);
    EngineStatus status = engine.status();
    assertThat(status.slotsUsed()).isZero();
    assertThat(status.queued()).isZero();
    assertThat(status.failed()).isZero();
    // Not one of them was read and answered to its end.
    assertThat(status.passes()).isLessThan(150);
    assertThatThrownBy(() -> client.submit(request(5, 1), ANSWER, Limits.NONE))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aClosedClientHasNothingOnTheDevice() {
    EngineClient client = engine.client();
    CompletableFuture<Result> result =
        client.submit(request(40, 1), GenerationOptions.exactly(200), Limits.NONE);
    client.close();
    assertThat(result).isCancelled();
    assertThat(engine.status().slotsUsed()).isZero();
  }

  @Test
  void aClosedEngineLeavesNobodyWaiting() {
    CountDownLatch gate = hold();
    EngineClient client = engine.client();
    List<CompletableFuture<Result>> results = new ArrayList<>();
    for (int i = 0; i < client.window(); i++) {
      results.add(client.submit(request(40, i), GenerationOptions.exactly(100), Limits.NONE));
    }
    Thread opener = new Thread(gate::countDown);
    opener.start();
    engine.close();
    for (CompletableFuture<Result> result : results) {
      assertThat(result).isDone();
    }
    assertThat(results.get(results.size() - 1)).isCompletedExceptionally();
    assertThatThrownBy(() -> client.submit(request(5, 1), ANSWER, Limits.NONE))
        .isInstanceOf(IllegalStateException.class);
    client.close();
  }

  @Test
  void aDeadlineEndsADocumentThatWaitsOrRuns() throws Exception {
    CountDownLatch gate = hold();
    Limits soon = new Limits(Duration.ofMillis(20));
    try (EngineClient client = engine.client()) {
      List<CompletableFuture<Result>> late = new ArrayList<>();
      for (int i = 0; i < SLOTS + 1; i++) {
        late.add(client.submit(request(10, i), GenerationOptions.exactly(100), soon));
      }
      CompletableFuture<Result> patient = client.submit(request(10, 9), ANSWER, Limits.NONE);
      Thread.sleep(30);
      gate.countDown();
      for (CompletableFuture<Result> result : late) {
        assertThatThrownBy(result::get)
            .cause()
            .isInstanceOfSatisfying(
                DocumentException.class, e -> assertThat(e.type()).isEqualTo("deadline"))
            .hasMessageContaining("its deadline is 0.0 s");
      }
      assertThat(patient.get().outputTokens()).isEqualTo(4);
    }
    assertThat(engine.status().failed()).isEqualTo(SLOTS + 1);
  }

  @Test
  void logitsThatAreNoNumbersFailTheirDocumentAlone() throws Exception {
    Result expected = engine.complete(request(20, 1), ANSWER);
    CountDownLatch gate = hold();
    try (EngineClient client = engine.client()) {
      CompletableFuture<Result> good = client.submit(request(20, 1), ANSWER, Limits.NONE);
      int[] poisoned = request(20, 2).prompts().get(0);
      poisoned[7] = TinyModel.POISON;
      CompletableFuture<Result> bad =
          client.submit(Request.of(List.of(poisoned)), ANSWER, Limits.NONE);
      GenerationOptions warm = new GenerationOptions(4, 1, 0.9f, 20, 3, List.of());
      CompletableFuture<Result> sampled = client.submit(request(20, 1), warm, Limits.NONE);
      gate.countDown();
      assertThat(good.get().completions()).isEqualTo(expected.completions());
      assertThatThrownBy(bad::get).isInstanceOf(ExecutionException.class);
      assertThat(sampled.get().completions())
          .isEqualTo(engine.complete(request(20, 1), warm).completions());
    }
  }

  @Test
  void aDeviceErrorIsRetriedOnce() throws Exception {
    List<Result> expected = new ArrayList<>();
    for (int i = 0; i < SLOTS; i++) {
      expected.add(engine.complete(request(20, i), ANSWER));
    }
    AtomicInteger calls = new AtomicInteger();
    HookedDevice.hook(
        operation -> {
          if (operation.equals("attention") && calls.incrementAndGet() == 7) {
            throw new DeviceException("the seventh call");
          }
        });
    try (EngineClient client = engine.client()) {
      List<CompletableFuture<Result>> results = new ArrayList<>();
      for (int i = 0; i < SLOTS; i++) {
        results.add(client.submit(request(20, i), ANSWER, Limits.NONE));
      }
      for (int i = 0; i < SLOTS; i++) {
        assertThat(results.get(i).get().completions()).isEqualTo(expected.get(i).completions());
      }
    }
    assertThat(engine.status().failed()).isZero();
  }

  @Test
  void aLostDeviceFailsEveryDocument() {
    HookedDevice.hook(
        operation -> {
          if (operation.equals("linear")) {
            throw new DeviceException("lost");
          }
        });
    try (EngineClient client = engine.client()) {
      List<CompletableFuture<Result>> results = new ArrayList<>();
      for (int i = 0; i < client.window(); i++) {
        results.add(client.submit(request(20, i), ANSWER, Limits.NONE));
      }
      for (CompletableFuture<Result> result : results) {
        assertThatThrownBy(result::get).hasCauseInstanceOf(DeviceException.class);
      }
    }
    assertThat(engine.status().slotsUsed()).isZero();
  }

  /** What one document's operations do wrong is not another's failure. */
  @Test
  void anotherErrorFailsOnlyWhoseItIs() throws Exception {
    Result expected = engine.complete(request(20, 1), ANSWER);
    CountDownLatch gate = hold();
    try (EngineClient client = engine.client()) {
      CompletableFuture<Result> good = client.submit(request(20, 1), ANSWER, Limits.NONE);
      // No such token: the whole pass fails that has it.
      Request bad = Request.of(List.of(new int[] {3, TinyModel.VOCABULARY, 4}));
      CompletableFuture<Result> failing = client.submit(bad, ANSWER, Limits.NONE);
      gate.countDown();
      assertThatThrownBy(failing::get).hasCauseInstanceOf(IllegalArgumentException.class);
      assertThat(good.get().completions()).isEqualTo(expected.completions());
    }
  }

  @Test
  void aDocumentThatFindsNoMemoryWaitsForOthersToLeave() throws Exception {
    AtomicInteger caches = new AtomicInteger();
    CountDownLatch gate = new CountDownLatch(1);
    HookedDevice.hook(
        operation -> {
          if (operation.equals("kvCache") && caches.incrementAndGet() == 2) {
            throw new OutOfMemoryError("while the first is there");
          }
          if (operation.equals("embed")) {
            await(gate);
          }
        });
    try (EngineClient client = engine.client()) {
      List<CompletableFuture<Result>> results = new ArrayList<>();
      for (int i = 0; i < SLOTS; i++) {
        results.add(client.submit(request(20, i), ANSWER, Limits.NONE));
      }
      gate.countDown();
      for (CompletableFuture<Result> result : results) {
        assertThat(result.get().outputTokens()).isEqualTo(4);
      }
    }
    assertThat(caches.get()).isEqualTo(SLOTS + 1);
  }

  @Test
  void aDocumentThatFindsNoMemoryAloneFails() {
    HookedDevice.hook(
        operation -> {
          if (operation.equals("kvCache")) {
            throw new OutOfMemoryError("none at all");
          }
        });
    assertThatThrownBy(() -> engine.complete(request(20, 1), ANSWER))
        .isInstanceOfSatisfying(
            DocumentException.class, e -> assertThat(e.type()).isEqualTo("device.out_of_memory"))
        .hasMessageContaining("none at all");
  }

  @Test
  void aCancelledCompleteThrows() {
    CountDownLatch gate = hold();
    Thread.currentThread().interrupt();
    new Thread(gate::countDown).start();
    assertThatThrownBy(() -> engine.complete(request(20, 1), ANSWER))
        .isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
  }
}
