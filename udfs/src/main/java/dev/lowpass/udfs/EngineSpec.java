package dev.lowpass.udfs;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.io.Serializable;

/**
 * Which engine an executor holds, in a form that travels from the driver.
 *
 * @param model a local folder or a Hadoop URI
 * @param modelDigest what the driver found there, for executors to check
 * @param modelCache where folders given by URI are kept on each host
 * @param device {@code auto}, {@code cpu} or {@code cuda}
 * @param threads CPU threads; 0 takes what the executor may use
 * @param contextTokens the longest sequence; 0 takes the model's window, or any where the cache is
 *     bounded
 * @param cache what a document's cache keeps
 * @param prefill how a document is read
 * @param slots documents on the device at once; 0 for as many as there is memory for
 * @param batchTokens tokens of prompts that one pass takes
 */
public record EngineSpec(
    String model,
    String modelDigest,
    String modelCache,
    String device,
    int threads,
    int contextTokens,
    CacheOptions cache,
    PrefillOptions prefill,
    int slots,
    int batchTokens)
    implements Serializable {}
