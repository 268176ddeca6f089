package dev.lowpass.udfs;

import java.io.Serializable;

/**
 * Which engine an executor holds, in a form that travels from the driver.
 *
 * @param model a local folder or a Hadoop URI
 * @param modelDigest what the driver found there, for executors to check
 * @param modelCache where folders given by URI are kept on each host
 * @param device {@code auto}, {@code cpu} or {@code cuda}
 * @param threads CPU threads; 0 takes what the executor may use
 * @param contextTokens the most tokens a document's cache may hold; 0 takes the model's window
 */
public record EngineSpec(
    String model,
    String modelDigest,
    String modelCache,
    String device,
    int threads,
    int contextTokens)
    implements Serializable {}
