package dev.lowpass.jobs;

import dev.lowpass.udfs.settings.PolicyParameter;
import dev.lowpass.udfs.settings.PolicySettings;
import dev.lowpass.udfs.settings.Setting;
import java.util.EnumMap;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;

/**
 * The parameters of prefill and cache policies but the cache's size, each with its paper's symbol.
 * What is not given, the model's config.json or {@code conf/policies.conf} says: see {@link
 * PolicySettings}.
 */
@SuppressWarnings("UnusedVariable") // read by name
class PolicyTuning {
  @Option(
      names = "--cache-type",
      paramLabel = "TYPE",
      description =
          "How keys and values are stored: f32, f16, or int8 with a scale for each entry and kv head. A GPU takes its checkpoint's type alone. Default: auto: f32 on the CPU, the checkpoint's type on a GPU.")
  private String cacheType;

  @Option(
      names = "--sinks",
      paramLabel = "S",
      description = "First tokens that are always kept (S). Default: 4.")
  private Integer sinks;

  @Option(
      names = "--retained-ratio",
      paramLabel = "GAMMA",
      description =
          "freqkv, hybrid: share of the band's M entries that a compression leaves (gamma), below 1; 0 drops them. Default: 0.5.")
  private Double retainedRatio;

  @Option(
      names = "--recent",
      paramLabel = "R",
      description =
          "Last tokens that stay exact when the cache is full (R). Default: 0 for freqkv and hybrid, w for snapkv, half of N - S for streaming.")
  private Integer recent;

  @Option(
      names = "--exact-share",
      paramLabel = "SHARE",
      description =
          "snapkv, hybrid: share of N - S - R in which the best tokens are kept exactly (E), below 1. Default: 0.5.")
  private Double exactShare;

  @Option(
      names = "--observation-window",
      paramLabel = "W",
      description =
          "snapkv, and hybrid and fastkv where nothing is asked: last tokens whose attention scores the others (w). Default: 8.")
  private Integer observationWindow;

  @Option(
      names = "--pooling",
      paramLabel = "KIND",
      description = "How a token's score takes in its neighbours': max or average. Default: max.")
  private String pooling;

  @Option(
      names = "--pooling-kernel",
      paramLabel = "K",
      description = "Over how many tokens, odd (k). Default: 7.")
  private Integer poolingKernel;

  @Option(
      names = "--positions",
      paramLabel = "KIND",
      description =
          "What a token's rotary position is: its place in the cache (cache, FreqKV) or in the document (original, FastKV). Default: auto: original where the document fits the window and the model was not tuned with a bounded cache.")
  private String positions;

  @Option(
      names = "--probe",
      paramLabel = "KIND",
      description =
          "hybrid, fastkv: what a long document is read for, all questions at once, or anew for each (more exact, and as many times slower). Default: all.")
  private String probe;

  @Option(
      names = "--tsp-layer",
      paramLabel = "T",
      description =
          "fastkv: last layer that sees every token, from 0 (T). Default: the middle, layers / 2 - 1.")
  private Integer tspLayer;

  @Option(
      names = "--tsp-rate",
      paramLabel = "TAU",
      description = "fastkv: share of the tokens that the layers after T see (tau). Default: 0.2.")
  private Double tspRate;

  @Option(
      names = "--tsp-length",
      paramLabel = "N",
      description = "fastkv with --cache full: the same as a number of tokens.")
  private Integer tspLength;

  @Option(
      names = "--retention-rate",
      paramLabel = "RHO",
      description =
          "fastkv with --cache full: share of the prompt that a layer keeps (rho). Default: 0.1.")
  private Double retentionRate;

  @Option(
      names = "--retention-tokens",
      paramLabel = "N",
      description = "fastkv with --cache full: the same as a number of tokens.")
  private Integer retentionTokens;

  /** What a command was given of a policy's parameters, by its line or by keys. */
  static Map<PolicyParameter, Setting> given(CommandSpec command) {
    OptionSources sources = (OptionSources) command.defaultValueProvider();
    Map<PolicyParameter, Setting> given = new EnumMap<>(PolicyParameter.class);
    for (PolicyParameter parameter : PolicyParameter.values()) {
      OptionSpec option = command.findOption("--" + parameter.option());
      if (option != null && option.getValue() != null) {
        String origin = sources.origin(option, command.commandLine().getParseResult());
        given.put(parameter, new Setting(option.getValue().toString(), origin));
      }
    }
    return given;
  }
}
