package dev.lowpass.pipeline.engine;

/**
 * What an engine has done since it was loaded, and what it holds: a consistent snapshot. Rates
 * follow from two of them.
 *
 * @param documents that ended well
 * @param failed documents that ended otherwise, but for those that were cancelled
 * @param promptTokens tokens that were read
 * @param outputTokens tokens that were written
 * @param prefillNanos time of passes, the part of it that their prompts' rows took
 * @param decodeNanos the part that their answers' rows took
 * @param busyNanos time with at least one document on the device
 * @param passes through the decoder
 * @param rows tokens that went through them, probes included
 * @param slots documents' caches that it may hold at once
 * @param slotsUsed caches that it holds
 * @param queued documents that wait for a slot
 * @param cacheBytes device memory that caches may take at once
 * @param cacheBytesUsed device memory that those it holds take
 * @param deviceBytes device memory that it takes in all, as far as it counts it: weights where they
 *     are copied to the device, activations and caches
 */
public record EngineStatus(
    long documents,
    long failed,
    long promptTokens,
    long outputTokens,
    long prefillNanos,
    long decodeNanos,
    long busyNanos,
    long passes,
    long rows,
    int slots,
    int slotsUsed,
    int queued,
    long cacheBytes,
    long cacheBytesUsed,
    long deviceBytes) {}
