package dev.lowpass.pipeline.engine;

/**
 * What a document cost.
 *
 * @param queueMs milliseconds it waited for the device
 * @param prefillMs milliseconds of reading its prompts
 * @param decodeMs milliseconds of writing its completions
 * @param cacheBytes device memory of its KV cache
 * @param keptTokens tokens that the cache held at the end of prefill; the most that any of its
 *     prompts had
 * @param compressions how often the cache was compressed
 */
public record Stats(
    double queueMs,
    double prefillMs,
    double decodeMs,
    long cacheBytes,
    long keptTokens,
    int compressions) {}
