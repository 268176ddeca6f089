package dev.lowpass.jobs;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.EngineOptions;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.text.TextTokenizer;
import dev.lowpass.udfs.Engines;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Prefill and decode speed, without Spark. Each policy runs once before the clock counts, so that
 * compilation is not measured; then policies and lengths take turns, repeat by repeat, so that a
 * machine's moods fall on all of them. One engine is open at a time, so that a row's memory is its
 * own.
 */
@Command(
    name = "bench",
    description = "Measures prefill and decode speed, and memory, by prompt length and policy.")
final class BenchCommand implements Callable<Integer> {
  private static final long SEED = 0;
  private static final String ORIGIN = "--policies";

  @Option(
      names = "--prompt-tokens",
      paramLabel = "N,...",
      split = ",",
      defaultValue = "4096,8192,16384,32768",
      description = "Lengths of the prompts. Default: ${DEFAULT-VALUE}.")
  private List<Integer> promptTokens;

  @Option(
      names = "--new-tokens",
      paramLabel = "N",
      defaultValue = "64",
      description = "Tokens to write after each prompt. Default: ${DEFAULT-VALUE}.")
  private int newTokens;

  @Option(
      names = "--policies",
      paramLabel = "NAME,...",
      split = ",",
      defaultValue = "full,streaming,freqkv",
      description = {
        "What to compare: a cache policy, a prefill policy, or both as in fastkv+hybrid."
            + " Default: ${DEFAULT-VALUE}."
      })
  private List<String> policies;

  @Option(
      names = "--repeats",
      paramLabel = "N",
      defaultValue = "3",
      description = "Runs of which the median counts. Default: ${DEFAULT-VALUE}.")
  private int repeats;

  @Option(
      names = "--text",
      paramLabel = "FILE",
      description = "Text to make the prompts of, repeated as needed. Default: random token ids.")
  private Path text;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Where to write the same figures, and every single run's.")
  private Path json;

  @Mixin private ModelOptions model;
  @Mixin private PolicyOptions parameters;
  @Mixin private CommonOptions common;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    List<PolicyName> names = policies.stream().map(PolicyName::parse).distinct().toList();
    List<Integer> lengths = promptTokens.stream().distinct().sorted().toList();
    check(lengths);
    Path folder = model.folder(common.hadoop());
    List<PolicySettings> settings = settings(folder, names);
    int[] prompt = prompt(folder, lengths.get(lengths.size() - 1));
    List<BenchRow> rows = new ArrayList<>();
    names.forEach(name -> lengths.forEach(length -> rows.add(new BenchRow(name, length))));
    BenchReport report = null;
    for (int repeat = 0; repeat <= repeats; repeat++) {
      for (PolicySettings policy : settings) {
        List<BenchRow> mine =
            rows.stream().filter(row -> row.policy().equals(policy.policy())).toList();
        try (Engine engine = Engines.open(engineOptions(folder, policy))) {
          if (report == null) {
            report = BenchReport.of(engine, prompts(), newTokens, repeats, rows);
          }
          if (repeat == 0) {
            run(engine, prompt, warmUp(engine, mine), "warm-up");
          } else {
            for (BenchRow row : mine) {
              run(engine, prompt, row, "repeat " + repeat + " of " + repeats).ifPresent(row::add);
            }
          }
        }
      }
    }
    PrintWriter out = spec.commandLine().getOut();
    report.print(out);
    out.flush();
    if (json != null) {
      ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
      Files.writeString(json, mapper.writeValueAsString(report.entries()) + "\n");
    }
    return Lowpass.DONE;
  }

  /** The shortest prompt that does not fit the cache, or else the shortest. */
  private static BenchRow warmUp(Engine engine, List<BenchRow> rows) {
    return rows.stream()
        .filter(row -> engine.cache().bounded())
        .filter(row -> row.promptTokens() > engine.cache().cacheTokens())
        .findFirst()
        .orElse(rows.get(0));
  }

  private void check(List<Integer> lengths) {
    model.check();
    if (lengths.isEmpty() || lengths.get(0) < 1) {
      throw new UsageException(
          "--prompt-tokens is " + promptTokens + "; give lengths of at least 1, such as 4096,8192");
    }
    if (newTokens < 1) {
      throw new UsageException("--new-tokens is " + newTokens + "; give at least 1");
    }
    if (repeats < 1) {
      throw new UsageException("--repeats is " + repeats + "; give at least 1");
    }
    if (text != null && !Files.isRegularFile(text)) {
      throw new UsageException("--text " + text + ": no such file");
    }
  }

  /** Each policy's parameters on the model; each parameter must be of use to one of them. */
  private List<PolicySettings> settings(Path folder, List<PolicyName> names) throws IOException {
    Map<PolicyParameter, Setting> given = PolicyOptions.given(spec);
    given.keySet().forEach(parameter -> parameter.checkUsed(names));
    PolicyDefaults defaults = PolicyDefaults.load();
    List<PolicySettings> settings = new ArrayList<>();
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      for (PolicyName name : names) {
        Map<PolicyParameter, Setting> mine = new EnumMap<>(given);
        mine.put(PolicyParameter.PREFILL, new Setting(name.prefill(), ORIGIN));
        mine.put(PolicyParameter.CACHE, new Setting(name.cache(), ORIGIN));
        if (!name.bounded()) {
          // It says how much the others keep; a full cache takes what fits the window.
          mine.remove(PolicyParameter.CACHE_TOKENS);
        }
        PolicySettings policy = PolicySettings.of(mine, checkpoint.config(), defaults);
        policy.prefill();
        settings.add(policy);
      }
    }
    return settings;
  }

  private EngineOptions engineOptions(Path folder, PolicySettings policy) {
    return new EngineOptions(folder, model.device(), model.threads(), 0, policy.cache());
  }

  private String prompts() {
    return text == null ? "random tokens, seed " + SEED : text + ", repeated";
  }

  /** Token ids of the longest prompt; the others are its beginnings. */
  private int[] prompt(Path folder, int length) throws IOException {
    try (TextTokenizer tokenizer = TextTokenizer.load(folder)) {
      int[] prompt = text == null ? random(tokenizer, length) : repeated(tokenizer, length);
      tokenizer.bos().ifPresent(bos -> prompt[0] = bos);
      return prompt;
    }
  }

  private static int[] random(TextTokenizer tokenizer, int length) {
    Set<Integer> control = tokenizer.controlTokens();
    return new Random(SEED)
        .ints(0, tokenizer.vocabularySize())
        .filter(token -> !control.contains(token))
        .limit(length)
        .toArray();
  }

  private int[] repeated(TextTokenizer tokenizer, int length) throws IOException {
    int[] tokens = tokenizer.encode(Files.readString(text));
    if (tokens.length == 0) {
      throw new UsageException("--text " + text + " is empty; give a file with text");
    }
    return IntStream.range(0, length).map(i -> tokens[i % tokens.length]).toArray();
  }

  /** One run, told of on stderr; empty where the prompt and its answer do not fit. */
  private Optional<BenchRun> run(Engine engine, int[] prompt, BenchRow row, String when) {
    if (row.promptTokens() + newTokens > engine.contextTokens()) {
      return Optional.empty();
    }
    BenchRun run = BenchRun.measure(engine, Arrays.copyOf(prompt, row.promptTokens()), newTokens);
    PrintWriter err = spec.commandLine().getErr();
    err.printf(
        "%s: %s, %s, %s: %s%n",
        spec.qualifiedName(),
        when,
        row.policy(),
        Text.count(row.promptTokens(), "token"),
        Text.seconds(run.seconds()));
    err.flush();
    return Optional.of(run);
  }
}
