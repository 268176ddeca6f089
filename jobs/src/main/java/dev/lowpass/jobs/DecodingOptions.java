package dev.lowpass.jobs;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.model.ModelConfig;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import dev.lowpass.udfs.Generation;
import dev.lowpass.udfs.settings.PolicyDefaults;
import dev.lowpass.udfs.settings.PolicyParameter;
import dev.lowpass.udfs.settings.PolicySettings;
import dev.lowpass.udfs.settings.Setting;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
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
      description = {
        "How a document is read. Default: the model's own (config.json), else full.",
        "full: every token through every layer.",
        "fastkv: after layer T only the tokens that matter go on (FastKV)."
      })
  private String prefill;

  @Option(
      names = "--cache",
      paramLabel = "NAME",
      description = {
        "What is kept of it. Default: the model's own (config.json), else full.",
        "full: every token, up to the model's window.",
        "streaming: the first tokens and the last, at any length (StreamingLLM).",
        "snapkv: the first, the last, and those that were attended to most, at any length (SnapKV).",
        "freqkv: the first, the last, and a low-pass of those between, at any length (FreqKV).",
        "hybrid: the first, exactly those that the question attends to, and a low-pass of the others, at any length."
      })
  private String cache;

  @Mixin private PolicyOptions parameters;

  /** Checks what can be checked without the model. */
  void check() {
    check("--prefill", prefill, PrefillOptions.POLICIES);
    check("--cache", cache, CacheOptions.POLICIES);
    try {
      generation(1).options();
    } catch (IllegalArgumentException e) {
      throw new UsageException("--" + e.getMessage(), e);
    }
  }

  private static void check(String option, String value, List<String> known) {
    if (value != null && !known.contains(value)) {
      throw new UsageException(
          "%s %s: there is no such policy; there are: %s"
              .formatted(option, value, String.join(", ", known)));
    }
  }

  Generation generation(int defaultMaxNewTokens) {
    int most = maxNewTokens == null ? defaultMaxNewTokens : maxNewTokens;
    return new Generation(most, temperature, topP, topK, seed, stop);
  }

  /**
   * How a document is read and what is kept of it, on a model.
   *
   * @param command whose options these are
   * @throws UsageException if a parameter is given that the policies have no use for
   * @throws dev.lowpass.pipeline.model.ModelException if parameters do not go together, or with the
   *     model
   */
  static PolicySettings policy(CommandSpec command, ModelConfig config) throws IOException {
    Map<PolicyParameter, Setting> given = PolicyTuning.given(command);
    PolicySettings settings = PolicySettings.of(given, config, PolicyDefaults.load());
    given.keySet().forEach(parameter -> parameter.checkUsed(List.of(settings.policy())));
    settings.prefill();
    return settings;
  }
}
