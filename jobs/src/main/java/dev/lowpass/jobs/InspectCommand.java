package dev.lowpass.jobs;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.decoder.LayerSpectrum;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.ModelConfig;
import dev.lowpass.pipeline.model.WeightType;
import dev.lowpass.pipeline.text.TextTokenizer;
import dev.lowpass.udfs.settings.PolicyDefaults;
import dev.lowpass.udfs.settings.PolicyParameter;
import dev.lowpass.udfs.settings.PolicySettings;
import dev.lowpass.udfs.settings.Setting;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "inspect",
    description = {
      "Shows what is in a checkpoint.",
      "With --input also FreqKV's premise on a text: how much of the energy of each layer's keys (before RoPE) and values is in the lowest frequencies along the tokens, the mean left out."
    })
final class InspectCommand implements Callable<Integer> {
  /** Below it there is no frequency but the mean in an eighth of them. */
  private static final int FEWEST_TOKENS = 16;

  @Option(
      names = "--input",
      paramLabel = "FILE",
      description = "A text, in UTF-8, whose first tokens are read with full prefill.")
  private Path input;

  @Option(
      names = "--cache-tokens",
      paramLabel = "N",
      defaultValue = "0",
      description = "How many tokens of it are read at most. Default: the model's window.")
  private int cacheTokens;

  @Option(
      names = "--plot",
      paramLabel = "FILE.svg",
      description = "Where to draw the energy of each layer against the share of frequencies.")
  private Path plot;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Mixin private ModelOptions model;
  @Mixin private CommonOptions common;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    check();
    try (Checkpoint checkpoint = model.open(common.hadoop())) {
      CheckpointFacts facts = CheckpointFacts.of(checkpoint, model.weightType());
      Map<PolicyParameter, Setting> policy =
          PolicySettings.of(Map.of(), checkpoint.config(), PolicyDefaults.load()).defaults();
      Optional<EnergyReport> energy =
          input == null ? Optional.empty() : Optional.of(energy(checkpoint, policy));
      PrintWriter out = spec.commandLine().getOut();
      if (json) {
        ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
        Map<String, Object> entries = entries(facts);
        Map<String, Setting> defaults = new LinkedHashMap<>();
        policy.forEach((parameter, setting) -> defaults.put(parameter.option(), setting));
        entries.put("policy_defaults", defaults);
        energy.ifPresent(report -> entries.put("energy", report.entries()));
        out.println(mapper.writeValueAsString(entries));
      } else {
        print(out, facts);
        print(out, policy);
        energy.ifPresent(
            report -> {
              out.println();
              report.print(out);
            });
      }
      out.flush();
      if (plot != null) {
        plot(facts, energy.orElseThrow());
      }
    }
    return Lowpass.DONE;
  }

  private static void print(PrintWriter out, Map<PolicyParameter, Setting> policy) {
    out.println();
    out.println("prefill and cache, unless a key or the command line says otherwise:");
    policy.forEach(
        (parameter, setting) ->
            out.printf(
                "  %-18s  %-6s  (%s)%n", parameter.option(), setting.value(), setting.origin()));
  }

  private void plot(CheckpointFacts facts, EnergyReport energy) throws IOException {
    String subtitle =
        "of DCT coefficients along %s of %s, the mean left out"
            .formatted(Text.count(energy.tokens(), "token"), input.getFileName());
    Files.writeString(
        plot, EnergyPlot.svg("Energy by frequency: " + facts.name(), subtitle, energy.layers()));
  }

  private void check() {
    model.check();
    if (cacheTokens < 0) {
      throw new UsageException(
          "--cache-tokens is " + cacheTokens + "; give 0 (the model's window) or more");
    }
    if (plot != null && input == null) {
      throw new UsageException("--plot is given, and no --input to read; give a text");
    }
    if (input != null && !Files.isRegularFile(input)) {
      throw new UsageException("--input " + input + ": no such file");
    }
  }

  private EnergyReport energy(Checkpoint checkpoint, Map<PolicyParameter, Setting> policy)
      throws IOException {
    int[] tokens = tokens(checkpoint);
    int sinks = Integer.parseInt(policy.get(PolicyParameter.SINKS).value());
    double retainedRatio = Double.parseDouble(policy.get(PolicyParameter.RETAINED_RATIO).value());
    if (tokens.length - sinks < FEWEST_TOKENS) {
      throw new UsageException(
          "%s tokens of --input %s are too few for a spectrum; give a longer text"
              .formatted(tokens.length, input));
    }
    List<LayerSpectrum> layers =
        LayerSpectrum.measure(checkpoint, model.device(), model.threads(), tokens, sinks);
    return new EnergyReport(tokens.length, sinks, retainedRatio, layers);
  }

  /** The text's first tokens, after the one that the model begins a text with. */
  private int[] tokens(Checkpoint checkpoint) throws IOException {
    String text;
    try {
      text = Files.readString(input);
    } catch (CharacterCodingException e) {
      throw new UsageException("--input " + input + " is not UTF-8; convert it", e);
    }
    int window = checkpoint.config().maxPositions();
    int most = cacheTokens == 0 ? window : Math.min(cacheTokens, window);
    try (TextTokenizer tokenizer = TextTokenizer.load(checkpoint.folder())) {
      return IntStream.concat(tokenizer.bos().stream(), Arrays.stream(tokenizer.encode(text)))
          .limit(most)
          .toArray();
    }
  }

  private static Map<String, Object> entries(CheckpointFacts facts) {
    ModelConfig config = facts.config();
    Map<String, Object> entries = new LinkedHashMap<>();
    entries.put("name", facts.name());
    entries.put("model_type", config.modelType());
    entries.put("layers", config.layers());
    entries.put("heads", config.heads());
    entries.put("kv_heads", config.kvHeads());
    entries.put("head_dim", config.headDim());
    entries.put("hidden_size", config.hiddenSize());
    entries.put("vocabulary_size", config.vocabularySize());
    entries.put("window_tokens", config.maxPositions());
    entries.put(
        "sliding_window_tokens",
        config.slidingWindow() == Integer.MAX_VALUE ? null : config.slidingWindow());
    entries.put("rope_scaling", facts.ropeScaling());
    entries.put("parameters", facts.parameters());
    entries.put("tensors_by_type", facts.tensorsByType());
    entries.put("weight_bytes", facts.weightBytes());
    entries.put("weights", facts.weights().toString());
    entries.put("loaded_weight_bytes", facts.loadedBytes());
    entries.put("kv_cache_bytes_per_token", CacheOptions.FULL.bytesPerToken(facts.config()));
    entries.put("chat_template", facts.chatTemplate());
    entries.put("digest", facts.digest());
    return entries;
  }

  private static void print(PrintWriter out, CheckpointFacts facts) {
    ModelConfig config = facts.config();
    out.printf("name           %s%n", facts.name());
    out.printf("model_type     %s%n", config.modelType());
    out.printf("layers         %d%n", config.layers());
    out.printf(
        "heads          %d, in groups over %d kv heads, head_dim %d%n",
        config.heads(), config.kvHeads(), config.headDim());
    out.printf("hidden         %d%n", config.hiddenSize());
    out.printf("vocabulary     %s%n", Text.count(config.vocabularySize(), "token"));
    out.printf(
        "window         %s%s%n",
        Text.count(config.maxPositions(), "token"),
        config.slidingWindow() == Integer.MAX_VALUE
            ? ""
            : ", each sees " + Text.number(config.slidingWindow()));
    out.printf("rope scaling   %s%n", facts.ropeScaling());
    out.printf("parameters     %s%n", Text.number(facts.parameters()));
    out.printf(
        "weights        %s on disk, %s%s%n",
        Text.bytes(facts.weightBytes()),
        facts.tensorsByType().toString().replaceAll("[{}]", "").replace("=", " x "),
        facts.weights() == WeightType.AUTO
            ? ""
            : "; " + Text.bytes(facts.loadedBytes()) + " as " + facts.weights());
    out.printf(
        "KV cache       %s a token in float32; %s for the whole window%n",
        Text.bytes(CacheOptions.FULL.bytesPerToken(facts.config())),
        Text.bytes(CacheOptions.FULL.bytesPerToken(facts.config()) * config.maxPositions()));
    out.printf("chat template  %s%n", facts.chatTemplate() ? "yes" : "no");
    out.printf("digest         %s%n", facts.digest());
  }
}
