package dev.lowpass.jobs;

import dev.lowpass.udfs.Generation;
import dev.lowpass.udfs.Policy;
import java.util.List;
import picocli.CommandLine.Option;

/** How completions are written and what is kept of a document. */
final class DecodingOptions {
  private static final List<String> PREFILLS = List.of("full");
  private static final List<String> CACHES = List.of("full");

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      description = "Most tokens of an answer. Default: 64 a field for extract, else 256.")
  private Integer maxNewTokens;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "0",
      description = "0 is greedy. Default: ${DEFAULT-VALUE}.")
  private float temperature;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      defaultValue = "1",
      description = "Nucleus to sample from. Default: ${DEFAULT-VALUE}.")
  private float topP;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      defaultValue = "0",
      description = "Most likely tokens to sample from; 0 for all. Default: ${DEFAULT-VALUE}.")
  private int topK;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Of the sampler. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "Ends an answer, which does not include it. May be repeated.")
  private List<String> stop = List.of();

  @Option(
      names = "--prefill",
      paramLabel = "NAME",
      defaultValue = "full",
      description = "How a document is read: full. Default: ${DEFAULT-VALUE}.")
  private String prefill;

  @Option(
      names = "--cache",
      paramLabel = "NAME",
      defaultValue = "full",
      description = "What is kept of it: full. Default: ${DEFAULT-VALUE}.")
  private String cache;

  @Option(
      names = "--cache-tokens",
      paramLabel = "N",
      defaultValue = "0",
      description = "Most tokens a document's cache holds. Default: the model's window.")
  private int cacheTokens;

  void check() {
    check("--prefill", prefill, PREFILLS);
    check("--cache", cache, CACHES);
    if (cacheTokens < 0) {
      throw new UsageException(
          "--cache-tokens is " + cacheTokens + "; give 0 (the model's window) or more");
    }
    try {
      generation(1).options();
    } catch (IllegalArgumentException e) {
      throw new UsageException("--" + e.getMessage(), e);
    }
  }

  private static void check(String option, String value, List<String> known) {
    if (!known.contains(value)) {
      throw new UsageException(
          option + " " + value + ": not in this version; there is: " + String.join(", ", known));
    }
  }

  Generation generation(int defaultMaxNewTokens) {
    int most = maxNewTokens == null ? defaultMaxNewTokens : maxNewTokens;
    return new Generation(most, temperature, topP, topK, seed, stop);
  }

  /** The most tokens a sequence may have; 0 for the model's window. */
  int cacheTokens() {
    return cacheTokens;
  }

  /**
   * @param window the model's
   */
  Policy policy(int window) {
    return new Policy(prefill, cache, cacheTokens == 0 ? window : Math.min(cacheTokens, window));
  }
}
