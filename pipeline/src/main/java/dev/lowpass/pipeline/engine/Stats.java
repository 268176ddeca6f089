package dev.lowpass.pipeline.engine;

import java.util.List;

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
 * @param compressions how often room was made in a cache, over all its prompts
 * @param energyKept each layer's share of the energy of keys and values that compression kept, the
 *     constant part left out, up to the last prompt's end; not a number where it never was
 */
public record Stats(
    double queueMs,
    double prefillMs,
    double decodeMs,
    long cacheBytes,
    long keptTokens,
    int compressions,
    List<Double> energyKept) {}
