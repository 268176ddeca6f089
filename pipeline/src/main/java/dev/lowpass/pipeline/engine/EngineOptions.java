package dev.lowpass.pipeline.engine;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.nio.file.Path;

/**
 * What an engine is loaded from and onto.
 *
 * @param model a Hugging Face folder
 * @param device {@code auto}, {@code cpu} or {@code cuda}
 * @param threads CPU threads; 0 for all that the process may use
 * @param contextTokens the longest sequence; 0 for the model's window, or for no limit where the
 *     cache policy bounds what is held of it
 * @param cache what a sequence's cache keeps
 * @param prefill how a prompt is read
 */
public record EngineOptions(
    Path model,
    String device,
    int threads,
    int contextTokens,
    CacheOptions cache,
    PrefillOptions prefill) {
  /** Every token through every layer. */
  public EngineOptions(
      Path model, String device, int threads, int contextTokens, CacheOptions cache) {
    this(model, device, threads, contextTokens, cache, PrefillOptions.FULL);
  }

  /** With a full cache. */
  public EngineOptions(Path model, String device, int threads, int contextTokens) {
    this(model, device, threads, contextTokens, CacheOptions.FULL);
  }
}
