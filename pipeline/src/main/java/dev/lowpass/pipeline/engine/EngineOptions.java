package dev.lowpass.pipeline.engine;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.model.WeightOptions;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.nio.file.Path;

/**
 * What an engine is loaded from and onto.
 *
 * @param model a Hugging Face folder
 * @param device {@code auto}, {@code cpu}, {@code onednn} or {@code cuda}
 * @param threads CPU threads; 0 for all that the process may use
 * @param contextTokens the longest sequence; 0 for the model's window, or for no limit where the
 *     cache policy bounds what is held of it
 * @param cache what a sequence's cache keeps
 * @param prefill how a prompt is read
 * @param slots caches that it holds at once, a document's or a question's about it each; 0 for as
 *     many as there is memory for, up to {@link #MOST_SLOTS}
 * @param batchTokens tokens of prompts that one pass through the decoder takes
 * @param weights what the model's matrices are turned into
 */
public record EngineOptions(
    Path model,
    String device,
    int threads,
    int contextTokens,
    CacheOptions cache,
    PrefillOptions prefill,
    int slots,
    int batchTokens,
    WeightOptions weights) {
  /** Slots where nobody says how many. */
  public static final int MOST_SLOTS = 16;

  public static final int DEFAULT_BATCH_TOKENS = 1024;

  public EngineOptions {
    if (slots < 0) {
      throw new IllegalArgumentException(
          "slots is " + slots + "; give 0 (what memory allows) or more");
    }
    if (batchTokens < 1) {
      throw new IllegalArgumentException("batch-tokens is " + batchTokens + "; give at least 1");
    }
  }

  /** With weights as they are stored. */
  public EngineOptions(
      Path model,
      String device,
      int threads,
      int contextTokens,
      CacheOptions cache,
      PrefillOptions prefill,
      int slots,
      int batchTokens) {
    this(
        model,
        device,
        threads,
        contextTokens,
        cache,
        prefill,
        slots,
        batchTokens,
        WeightOptions.AUTO);
  }

  /** With as many slots as there is memory for. */
  public EngineOptions(
      Path model,
      String device,
      int threads,
      int contextTokens,
      CacheOptions cache,
      PrefillOptions prefill) {
    this(model, device, threads, contextTokens, cache, prefill, 0, DEFAULT_BATCH_TOKENS);
  }

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
