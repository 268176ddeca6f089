package dev.lowpass.jobs;

import picocli.CommandLine.Option;

/** The parameters of one policy: {@link PolicyTuning}'s, and the cache's size. */
@SuppressWarnings("UnusedVariable") // read by name
final class PolicyOptions extends PolicyTuning {
  @Option(
      names = "--cache-tokens",
      paramLabel = "N",
      description =
          "Most tokens that a layer's cache holds (FreqKV's N); with --cache full the longest document. Default: the model's own, or its window.")
  private Integer cacheTokens;
}
