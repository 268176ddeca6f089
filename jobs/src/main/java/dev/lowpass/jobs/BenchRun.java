package dev.lowpass.jobs;

import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.GenerationOptions;
import dev.lowpass.pipeline.engine.Request;
import dev.lowpass.pipeline.engine.Result;
import dev.lowpass.pipeline.engine.Stats;

/**
 * One prompt, read and answered.
 *
 * @param seconds that all of it took
 * @param stats the engine's own
 * @param outputTokens tokens that were written
 * @param residentAtMark bytes of resident memory before the run; -1 where the system does not tell
 * @param peakResident most bytes of resident memory during it; -1 likewise
 * @param peakHeap most bytes of heap during it, garbage included
 */
record BenchRun(
    double seconds,
    Stats stats,
    long outputTokens,
    long residentAtMark,
    long peakResident,
    long peakHeap) {

  static BenchRun measure(Engine engine, Request request, int newTokens) {
    PeakMemory memory = PeakMemory.mark();
    long start = System.nanoTime();
    Result result = engine.complete(request, GenerationOptions.exactly(newTokens));
    double seconds = (System.nanoTime() - start) / 1e9;
    return new BenchRun(
        seconds,
        result.stats(),
        result.outputTokens(),
        memory.residentAtMark(),
        memory.resident(),
        memory.heap());
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

  /** Passes of one token a second, after the prompt; not a number where one token was all. */
  double decodeTokensPerSecond() {
    return outputTokens > 1 ? (outputTokens - 1) / (stats.decodeMs() / 1e3) : Double.NaN;
  }
}
