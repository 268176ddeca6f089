package dev.lowpass.udfs;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.model.WeightOptions;
import dev.lowpass.pipeline.model.WeightType;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.io.Serializable;
import java.util.List;

/**
 * Which engine an executor holds, in a form that travels from the driver.
 *
 * @param model a local folder or a Hadoop URI
 * @param modelDigest what the driver found there, for executors to check
 * @param modelCache where each host keeps folders given by URI, and converted weights
 * @param device one of {@link #DEVICES}
 * @param threads CPU threads; 0 takes what the executor may use
 * @param contextTokens the longest sequence; 0 takes the model's window, or any where the cache is
 *     bounded
 * @param cache what a document's cache keeps
 * @param prefill how a document is read
 * @param slots documents on the device at once; 0 for as many as there is memory for
 * @param batchTokens tokens of prompts that one pass takes
 * @param weights what the model's matrices are turned into
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
    int batchTokens,
    WeightType weights)
    implements Serializable {
  /** What {@code device} can be. */
  public static final List<String> DEVICES = List.of("auto", "cpu", "onednn", "cuda");

  /**
   * Checks where an engine is to run.
   *
   * @throws InputException if there is no such device or number of threads
   */
  public static void checkDevice(String device, int threads) {
    if (!DEVICES.contains(device)) {
      throw new InputException(
          "--device " + device + ": no such device; there are: " + String.join(", ", DEVICES));
    }
    if (threads < 0) {
      throw new InputException("--threads is " + threads + "; give 0 (all) or more");
    }
  }

  /**
   * Checks how many documents it is to work on at once.
   *
   * @throws InputException if it cannot
   */
  public static void checkBatching(int slots, int batchTokens) {
    if (slots < 0) {
      throw new InputException("--slots is " + slots + "; give 0 (what memory allows) or more");
    }
    if (batchTokens < 1) {
      throw new InputException("--batch-tokens is " + batchTokens + "; give at least 1");
    }
  }

  /** What tells its model's numbers from another's: the digest, and what became of the weights. */
  String modelIdentity() {
    return weights.identify(modelDigest);
  }

  /** What an executor does with the weights. */
  WeightOptions weightOptions() {
    return ModelFolder.weights(weights, modelCache);
  }
}
