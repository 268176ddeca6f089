package dev.lowpass.jobs;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.EngineClient;
import dev.lowpass.pipeline.engine.GenerationOptions;
import dev.lowpass.pipeline.engine.Limits;
import dev.lowpass.pipeline.engine.Request;
import dev.lowpass.pipeline.engine.Result;
import dev.lowpass.pipeline.engine.Stats;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;

/**
 * Prompts that are read and answered at once.
 *
 * @param prompts how many
 * @param seconds that all of it took
 * @param stats the engine's own, of all of them together
 * @param outputTokens tokens that were written
 * @param cache what was kept of each prompt
 * @param residentAtMark bytes of resident memory before the run; -1 where the system does not tell
 * @param peakResident most bytes of resident memory during it; -1 likewise
 * @param peakHeap most bytes of heap during it, garbage included
 */
record BenchRun(
    int prompts,
    double seconds,
    Stats stats,
    long outputTokens,
    CacheOptions cache,
    long residentAtMark,
    long peakResident,
    long peakHeap) {

  private static final int WAKE_TOKENS = 4;
  private static final long WAKE_NANOS = 300_000_000;

  static BenchRun measure(Engine engine, Request request, int prompts, int newTokens) {
    GenerationOptions options = GenerationOptions.exactly(newTokens);
    PeakMemory memory = PeakMemory.mark();
    wake(engine, request);
    long start = System.nanoTime();
    List<Result> results;
    try (EngineClient client = engine.client()) {
      List<CompletableFuture<Result>> inFlight =
          Stream.generate(() -> client.submit(request, options, Limits.NONE))
              .limit(prompts)
              .toList();
      results = inFlight.stream().map(CompletableFuture::join).toList();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    return new BenchRun(
        prompts,
        seconds,
        results.stream().map(Result::stats).reduce(BenchRun::together).orElseThrow(),
        results.stream().mapToLong(Result::outputTokens).sum(),
        engine.cache(),
        memory.residentAtMark(),
        memory.resident(),
        memory.heap());
  }

  /**
   * Writes some tokens that do not count, as llama-bench does. Garbage was collected, and another
   * process may have run: the processor's caches are not those of a job that is under way.
   */
  private static void wake(Engine engine, Request request) {
    Request first = Request.of(List.of(Arrays.copyOf(request.prompts().get(0), 1)));
    long start = System.nanoTime();
    do {
      engine.complete(first, GenerationOptions.exactly(WAKE_TOKENS));
    } while (System.nanoTime() - start < WAKE_NANOS);
  }

  private static Stats together(Stats one, Stats other) {
    return new Stats(
        Math.max(one.queueMs(), other.queueMs()),
        one.prefillMs() + other.prefillMs(),
        one.decodeMs() + other.decodeMs(),
        one.cacheBytes() + other.cacheBytes(),
        Math.max(one.keptTokens(), other.keptTokens()),
        one.compressions() + other.compressions(),
        one.energyKept());
  }

  double prefillSeconds() {
    return stats.prefillMs() / 1e3;
  }

  /**
   * From the call until the first token can be chosen: the cache's memory and the prefill. What
   * follows is the decoding's.
   */
  double firstTokenSeconds() {
    return seconds - stats.decodeMs() / 1e3;
  }

  /**
   * Tokens a second after each prompt's first, in the time of their passes; not a number where
   * those were all.
   */
  double decodeTokensPerSecond() {
    return outputTokens > prompts
        ? (outputTokens - prompts) / (stats.decodeMs() / 1e3)
        : Double.NaN;
  }

  /** Entries that a layer's caches hold when half of the answers are written, in all. */
  double heldEntries() {
    return prompts * stats.keptTokens() + outputTokens / 2.0;
  }

  double promptsPerHour() {
    return prompts * 3600 / seconds;
  }
}
