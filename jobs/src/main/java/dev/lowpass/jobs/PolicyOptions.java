package dev.lowpass.jobs;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.model.ModelException;
import java.util.List;
import picocli.CommandLine.Option;

/** The parameters of prefill and cache policies, each with its paper's symbol. */
final class PolicyOptions {
  @Option(
      names = "--cache-tokens",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Most tokens a document's cache holds (FreqKV's N). Default: the model's window.")
  private int cacheTokens;

  @Option(
      names = "--sinks",
      paramLabel = "S",
      description = "First tokens that streaming and freqkv never touch (S). Default: 4.")
  private Integer sinks;

  @Option(
      names = "--retained-ratio",
      paramLabel = "GAMMA",
      description =
          "Share of the tokens between that freqkv's compression leaves (gamma), below 1. Default: 0.5.")
  private Double retainedRatio;

  @Option(
      names = "--recent",
      paramLabel = "R",
      description =
          "Last tokens that stay exact when the cache is full (R). Default: 0 for freqkv, half of N - S for streaming.")
  private Integer recent;

  /**
   * Checks what was given.
   *
   * @param policies those that will be used
   * @throws UsageException if a parameter is out of its range, or of no use to any of the policies
   */
  void check(List<PolicyName> policies) {
    if (cacheTokens < 0) {
      throw new UsageException(
          "--cache-tokens is " + cacheTokens + "; give 0 (the model's window) or more");
    }
    checkUsed("--sinks", sinks, policies, List.of("streaming", "freqkv"));
    checkUsed("--recent", recent, policies, List.of("streaming", "freqkv"));
    checkUsed("--retained-ratio", retainedRatio, policies, List.of("freqkv"));
    try {
      policies.forEach(policy -> cacheOptions(policy).resolve(Integer.MAX_VALUE, /* tuned= */ false));
    } catch (ModelException e) {
      throw new UsageException(e.getMessage(), e);
    }
  }

  private static void checkUsed(
      String option, Object value, List<PolicyName> policies, List<String> users) {
    if (value != null && policies.stream().noneMatch(policy -> users.contains(policy.cache()))) {
      throw new UsageException(
          "%s is given, and --cache %s has no use for it; leave it out"
              .formatted(
                  option, String.join(", ", policies.stream().map(PolicyName::cache).toList())));
    }
  }

  /** The longest sequence under a policy; 0 for as long as model and cache allow. */
  int contextTokens(PolicyName policy) {
    return policy.cache().equals(CacheOptions.FULL.cache()) ? cacheTokens : 0;
  }

  /** A cache policy with these parameters. */
  CacheOptions cacheOptions(PolicyName policy) {
    if (recent != null && recent < 0) {
      throw new UsageException("--recent (R) is " + recent + "; give 0 or more");
    }
    return CacheOptions.of(policy.cache(), cacheTokens)
        .with(
            sinks == null ? CacheOptions.DEFAULT_SINKS : sinks,
            retainedRatio == null ? CacheOptions.DEFAULT_RETAINED_RATIO : retainedRatio,
            recent == null ? CacheOptions.DEFAULT_RECENT : recent,
            CacheOptions.DEFAULT_EXACT_SHARE);
  }
}
