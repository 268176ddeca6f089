package dev.lowpass.pipeline.engine;

/**
 * What a document cost.
 *
 * @param queueMs milliseconds it waited for the device
 * @param prefillMs milliseconds of reading its prompts
 * @param decodeMs milliseconds of writing its completions
 * @param cacheBytes device memory of its KV caches: the document's, and the copy that its prompts
 *     branch off to where they cannot share it
 * @param keptTokens entries that a layer's cache held at the end of prefill; the most that any of
 *     its prompts had
 * @param compressions how often a cache was compressed, over all its prompts
 */
public record Stats(
    double queueMs,
    double prefillMs,
    double decodeMs,
    long cacheBytes,
    long keptTokens,
    int compressions) {}
