package dev.lowpass.jobs;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import dev.lowpass.udfs.Generation;
import dev.lowpass.udfs.Policy;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How completions are written and what is kept of a document. */
final class DecodingOptions {
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
      description = {
        "What is kept of it. Default: ${DEFAULT-VALUE}.",
        "full: every token, up to the model's window.",
        "streaming: the first tokens and the last, at any length.",
        "freqkv: the first tokens, the last, and a low-pass of those between, at any length."
      })
  private String cache;

  @Mixin private PolicyOptions parameters;

  void check() {
    check("--prefill", prefill, PolicyName.PREFILLS);
    check("--cache", cache, CacheOptions.POLICIES);
    parameters.check(List.of(policyName()));
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

  private PolicyName policyName() {
    return new PolicyName(prefill, cache);
  }

  Generation generation(int defaultMaxNewTokens) {
    int most = maxNewTokens == null ? defaultMaxNewTokens : maxNewTokens;
    return new Generation(most, temperature, topP, topK, seed, stop);
  }

  /** The longest sequence; 0 for as long as model and cache allow. */
  int contextTokens() {
    return parameters.contextTokens(policyName());
  }

  CacheOptions cacheOptions() {
    return parameters.cacheOptions(policyName());
  }

  /**
   * What is kept of a document, with a model's defaults.
   *
   * @param window the model's
   * @throws ModelException if the cache does not go with it
   */
  Policy policy(int window) {
    return new Policy(PrefillOptions.FULL, cacheOptions().resolve(window, /* tuned= */ false));
  }
}
