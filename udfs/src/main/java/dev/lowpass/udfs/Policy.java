package dev.lowpass.udfs;

import java.io.Serializable;

/**
 * How a document is read and what is kept of it.
 *
 * @param prefill name of the prefill policy
 * @param cache name of the cache policy
 * @param cacheTokens the most tokens a sequence's cache may hold
 */
public record Policy(String prefill, String cache, int cacheTokens) implements Serializable {}
