package dev.lowpass.jobs;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.EngineOptions;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.udfs.Engines;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Prefill and decode speed, without Spark. Each policy runs once before the clock counts, so that
 * compilation is not measured; then policies, lengths and batches take turns, repeat by repeat, so
 * that a machine's moods fall on all of them. One engine is open at a time, so that a row's memory
 * is its own.
 */
@Command(
    name = "bench",
    description = "Measures prefill and decode speed, and memory, by prompt length and policy.")
final class BenchCommand implements Callable<Integer> {
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
      names = "--batch",
      paramLabel = "N,...",
      split = ",",
      defaultValue = "1",
      description = "How many prompts to have in flight at once. Default: ${DEFAULT-VALUE}.")
  private List<Integer> batches;

  @Option(
      names = "--policies",
      paramLabel = "NAME,...",
      split = ",",
      defaultValue = "full,streaming,freqkv,hybrid,fastkv+hybrid",
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
      names = "--schema",
      paramLabel = "FILE",
      description =
          "Questions that hybrid and fastkv read a prompt for, as those of extract. Default: the bundled schema's.")
  private Path schema;

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
    List<Integer> sizes = batches.stream().distinct().sorted().toList();
    check(lengths, sizes);
    Path folder = model.folder(common.hadoop());
    List<PolicySettings> settings = settings(folder, names);
    int longest = lengths.get(lengths.size() - 1);
    BenchPrompts prompts =
        text == null
            ? BenchPrompts.random(folder, longest, schema())
            : BenchPrompts.ofText(folder, longest, text, schema());
    List<BenchRow> rows = new ArrayList<>();
    for (PolicyName name : names) {
      for (int length : lengths) {
        sizes.forEach(size -> rows.add(new BenchRow(name, length, size)));
      }
    }
    int slots = sizes.get(sizes.size() - 1);
    BenchReport report = null;
    for (int repeat = 0; repeat <= repeats; repeat++) {
      for (PolicySettings policy : settings) {
        List<BenchRow> mine =
            rows.stream().filter(row -> row.policy().equals(policy.policy())).toList();
        try (Engine engine = Engines.open(engineOptions(folder, policy, slots))) {
          if (report == null) {
            report = BenchReport.of(engine, prompts.description(), newTokens, repeats, rows);
          }
          if (repeat == 0) {
            run(engine, prompts, warmUp(engine, mine), "warm-up");
          } else {
            for (BenchRow row : mine) {
              run(engine, prompts, row, "repeat " + repeat + " of " + repeats).ifPresent(row::add);
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

  private void check(List<Integer> lengths, List<Integer> sizes) {
    model.check();
    if (lengths.isEmpty() || lengths.get(0) < 1) {
      throw new UsageException(
          "--prompt-tokens is " + promptTokens + "; give lengths of at least 1, such as 4096,8192");
    }
    if (sizes.isEmpty() || sizes.get(0) < 1) {
      throw new UsageException(
          "--batch is " + batches + "; give sizes of at least 1, such as 1,16");
    }
    if (newTokens < 1) {
      throw new UsageException("--new-tokens is " + newTokens + "; give at least 1");
    }
    if (repeats < 1) {
      throw new UsageException("--repeats is " + repeats + "; give at least 1");
    }
    if (schema != null && !Files.isRegularFile(schema)) {
      throw new UsageException("--schema " + schema + ": no such file");
    }
    if (text != null && !Files.isRegularFile(text)) {
      throw new UsageException("--text " + text + ": no such file");
    }
  }

  /** Each policy's parameters on the model; each parameter must be of use to one of them. */
  private List<PolicySettings> settings(Path folder, List<PolicyName> names) throws IOException {
    Map<PolicyParameter, Setting> given = PolicyTuning.given(spec);
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

  private EngineOptions engineOptions(Path folder, PolicySettings policy, int slots) {
    return new EngineOptions(
        folder,
        model.device(),
        model.threads(),
        0,
        policy.cache(),
        policy.prefill(),
        slots,
        EngineOptions.DEFAULT_BATCH_TOKENS);
  }

  /** Where the probe's questions are; null where there are none. */
  private Path schema() {
    if (schema != null || ModelOptions.home() == null) {
      return schema;
    }
    Path bundled = ModelOptions.home().resolve("sample-data/contracts.schema.json");
    return Files.isRegularFile(bundled) ? bundled : null;
  }

  /** One run, told of on stderr; empty where the prompt and its answer do not fit. */
  private Optional<BenchRun> run(Engine engine, BenchPrompts prompts, BenchRow row, String when) {
    if (row.promptTokens() + newTokens > engine.contextTokens()) {
      return Optional.empty();
    }
    BenchRun run =
        BenchRun.measure(engine, prompts.request(row.promptTokens()), row.batch(), newTokens);
    PrintWriter err = spec.commandLine().getErr();
    err.printf(
        "%s: %s, %s, %s%s: %s%n",
        spec.qualifiedName(),
        when,
        row.policy(),
        row.batch() == 1 ? "" : row.batch() + " x ",
        Text.count(row.promptTokens(), "token"),
        Text.seconds(run.seconds()));
    err.flush();
    return Optional.of(run);
  }
}
