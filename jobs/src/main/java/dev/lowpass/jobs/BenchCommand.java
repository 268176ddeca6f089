package dev.lowpass.jobs;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.lowpass.pipeline.engine.DeviceLimits;
import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.EngineOptions;
import dev.lowpass.pipeline.engine.ModelInfo;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.WeightType;
import dev.lowpass.udfs.Engines;
import dev.lowpass.udfs.settings.Installation;
import dev.lowpass.udfs.settings.PolicyDefaults;
import dev.lowpass.udfs.settings.PolicyName;
import dev.lowpass.udfs.settings.PolicyParameter;
import dev.lowpass.udfs.settings.PolicySettings;
import dev.lowpass.udfs.settings.Setting;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Prefill and decode speed, without Spark. Each policy runs before the clock counts, so that
 * compilation is not measured; then policies, lengths and batches, another engine and the machine's
 * own limits take turns, repeat by repeat, so that a machine's moods fall on all of them.
 */
@Command(
    name = "bench",
    description = "Measures prefill and decode speed, and memory, by prompt length and policy.")
final class BenchCommand implements Callable<Integer> {
  private static final String ORIGIN = "--policies";

  /** Tokens of a probe that asks nothing: about as many as the bundled questions have. */
  private static final int PROBE_TOKENS = 128;

  @Option(
      names = "--prompt-tokens",
      paramLabel = "N,...",
      split = ",",
      defaultValue = "4096,8192,16384,32768",
      description = {
        "Lengths of the prompts; 0 for writing from nothing. Default: ${DEFAULT-VALUE}."
      })
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
      names = "--warm-up",
      paramLabel = "SECONDS",
      defaultValue = "5",
      description =
          "How long each policy runs, once at the least, before anything counts. Default: ${DEFAULT-VALUE}.")
  private double warmUpSeconds;

  @Option(
      names = "--shape",
      paramLabel = "NAME[:TYPE]",
      description = {
        "Instead of --model: random weights in the shape of smollm2-135m, llama-3.2-1b or llama-3.1-8b,"
            + " stored as f32, f16 or bf16 (the default), in a temporary folder."
      })
  private String shape;

  @Option(
      names = "--probe-tokens",
      paramLabel = "N",
      description =
          "With --shape, tokens of the questions that hybrid and fastkv read a prompt for. Default: 128.")
  private Integer probeTokens;

  @Option(
      names = "--vs",
      paramLabel = "llama-bench:PATH",
      description =
          "Has llama.cpp's llama-bench read the same prompts and write behind them, with the same model and"
              + " threads, and tells the ratios; llama-batched-bench:PATH for --batch too; or jlama-bench:PATH.")
  private String peer;

  @Option(
      names = "--vs-repeats",
      paramLabel = "N",
      description =
          "Runs of --vs for each prompt length, for whose median long prompts take long. Default: --repeats.")
  private Integer peerRepeats;

  @Option(
      names = "--vs-weights",
      paramLabel = "TYPE",
      description =
          "What llama.cpp's weights are turned into: auto, bf16, int8 (its Q8_0) or int4 (its Q4_0). Default: --weights.")
  private WeightType peerWeights;

  @Option(
      names = "--no-limits",
      description =
          "Leave out measuring the processor's own limits, which takes a second a repeat.")
  private boolean noLimits;

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
    try (BenchModel bench =
        shape == null ? BenchModel.of(model.folder(common.hadoop())) : BenchModel.random(shape)) {
      BenchReport report = measure(bench, names, lengths, sizes);
      PrintWriter out = spec.commandLine().getOut();
      report.print(out);
      out.flush();
      if (json != null) {
        ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
        Files.writeString(json, mapper.writeValueAsString(report.entries()) + "\n");
      }
    }
    return Lowpass.DONE;
  }

  private BenchReport measure(
      BenchModel bench, List<PolicyName> names, List<Integer> lengths, List<Integer> sizes)
      throws IOException {
    Path folder = bench.folder();
    List<PolicySettings> settings = settings(folder, names);
    BenchPrompts prompts = prompts(bench, lengths.get(lengths.size() - 1));
    PeerBench other =
        peer == null
            ? null
            : PeerBench.parse(peer)
                .on(bench, peerWeights == null ? model.weightType() : peerWeights, threads());
    List<BenchRow> rows = rows(names, lengths, sizes);
    int slots = sizes.get(sizes.size() - 1);
    ModelInfo info = null;
    String device = null;
    Optional<DeviceLimits> limits = Optional.empty();
    try (Turns turns = new Turns(bench, slots)) {
      for (int repeat = 0; repeat <= repeats; repeat++) {
        String when = repeat == 0 ? "warm-up" : "repeat " + repeat + " of " + repeats;
        for (PolicySettings policy : settings) {
          List<BenchRow> mine =
              rows.stream().filter(row -> row.policy().equals(policy.policy())).toList();
          Engine engine = turns.engine(policy);
          if (info == null) {
            info = engine.model();
            device = engine.device();
            bench.writeBack();
          }
          if (repeat == 0) {
            warmUp(engine, prompts, mine, when);
            continue;
          }
          for (BenchRow row : mine) {
            if (fits(engine, row)) {
              row.add(run(engine, prompts, row, when));
            }
            if (other != null && isDue(row, repeat, other.kind(), info.config().maxPositions())) {
              run(other, row, when);
            }
          }
        }
        if (!noLimits && device.startsWith("cpu")) {
          Optional<DeviceLimits> before = limits;
          limits = DeviceLimits.ofCpu(threads()).map(now -> before.map(now::orBetter).orElse(now));
        }
      }
    }
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      return new BenchReport(
          info,
          device,
          prompts.description(),
          newTokens,
          repeats,
          rows,
          BenchWork.of(checkpoint, model.weightType()),
          limits,
          other == null ? null : other.kind());
    }
  }

  /** In the order of printing; those of the same prompts share what the peer does with them. */
  private static List<BenchRow> rows(
      List<PolicyName> names, List<Integer> lengths, List<Integer> sizes) {
    Map<List<Integer>, PeerRuns> peers = new HashMap<>();
    List<BenchRow> rows = new ArrayList<>();
    for (PolicyName name : names) {
      for (int length : lengths) {
        for (int size : sizes) {
          PeerRuns theirs =
              peers.computeIfAbsent(List.of(length, size), key -> new PeerRuns(length * size));
          rows.add(new BenchRow(name, length, size, theirs));
        }
      }
    }
    return rows;
  }

  /** Whether the peer is to run a row's prompts now: once a repeat, beside the first policy. */
  private boolean isDue(BenchRow row, int repeat, PeerBench.Kind kind, int window) {
    return row.peer().count() < Math.min(repeat, peerRepeats == null ? repeats : peerRepeats)
        && (row.batch() == 1 || kind.batches())
        && row.promptTokens() + newTokens <= window;
  }

  /** Threads that the engines have. */
  private int threads() {
    return model.threads() == 0 ? Runtime.getRuntime().availableProcessors() : model.threads();
  }

  private BenchPrompts prompts(BenchModel bench, int longest) throws IOException {
    Path folder = bench.folder();
    int tokens = Math.max(1, longest);
    if (text != null) {
      return BenchPrompts.ofText(folder, tokens, text, schema());
    }
    if (bench.isRandom()) {
      try (Checkpoint checkpoint = Checkpoint.open(folder)) {
        return BenchPrompts.random(
            checkpoint.config().vocabularySize(),
            tokens,
            probeTokens == null ? PROBE_TOKENS : probeTokens);
      }
    }
    return BenchPrompts.random(folder, tokens, schema());
  }

  /** Runs the shortest prompt that does not fit the cache, or else one that fills a pass. */
  private void warmUp(Engine engine, BenchPrompts prompts, List<BenchRow> rows, String when) {
    boolean bounded = engine.cache().bounded();
    int enough = bounded ? engine.cache().cacheTokens() + 1 : EngineOptions.DEFAULT_BATCH_TOKENS;
    List<BenchRow> fitting = rows.stream().filter(row -> fits(engine, row)).toList();
    if (fitting.isEmpty()) {
      return;
    }
    BenchRow row =
        fitting.stream()
            .filter(candidate -> candidate.promptTokens() >= enough)
            .findFirst()
            .orElse(fitting.get(fitting.size() - 1));
    long start = System.nanoTime();
    do {
      run(engine, prompts, row, when);
    } while (System.nanoTime() - start < warmUpSeconds * 1e9);
  }

  private void check(List<Integer> lengths, List<Integer> sizes) {
    model.check();
    if (lengths.isEmpty() || lengths.get(0) < 0) {
      throw new UsageException(
          "--prompt-tokens is " + promptTokens + "; give lengths of at least 0, such as 4096,8192");
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
    if (peerRepeats != null && (peer == null || peerRepeats < 1)) {
      throw new UsageException(
          "--vs-repeats is " + peerRepeats + "; give at least 1, and --vs with it");
    }
    if (peerWeights != null && peer == null) {
      throw new UsageException("--vs-weights is for --vs's engine; give --vs with it");
    }
    if (!(warmUpSeconds >= 0)) {
      throw new UsageException("--warm-up is " + warmUpSeconds + "; give seconds, or 0 for once");
    }
    if (shape != null && (model.isGiven() || text != null || schema != null)) {
      throw new UsageException(
          "--shape has weights and a vocabulary of its own; leave out --model, --text and --schema");
    }
    if (probeTokens != null && (shape == null || probeTokens < 1)) {
      throw new UsageException(
          "--probe-tokens is "
              + probeTokens
              + "; give at least 1, and --shape with it: other models read the questions of --schema");
    }
    if (peer != null) {
      PeerBench.parse(peer);
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

  /**
   * The engine of the policy whose turn it is. One is open at a time, so that a row's memory is its
   * own; a policy that has no other beside it keeps its engine for all repeats, as a job does.
   */
  private final class Turns implements AutoCloseable {
    private final BenchModel bench;
    private final int slots;
    private PolicySettings policy;
    private Engine engine;

    Turns(BenchModel bench, int slots) {
      this.bench = bench;
      this.slots = slots;
    }

    Engine engine(PolicySettings next) throws IOException {
      if (!next.equals(policy)) {
        close();
        engine = Engines.open(options(next));
        policy = next;
      }
      return engine;
    }

    private EngineOptions options(PolicySettings policy) throws IOException {
      return new EngineOptions(
          bench.folder(),
          model.device(),
          model.threads(),
          0,
          policy.cache(),
          policy.prefill(),
          slots,
          EngineOptions.DEFAULT_BATCH_TOKENS,
          bench.weights(model));
    }

    @Override
    public void close() {
      if (engine != null) {
        engine.close();
        engine = null;
        policy = null;
      }
    }
  }

  /** Where the probe's questions are; null where there are none. */
  private Path schema() {
    if (schema != null || Installation.folder() == null) {
      return schema;
    }
    Path bundled = Installation.folder().resolve("sample-data/contracts.schema.json");
    return Files.isRegularFile(bundled) ? bundled : null;
  }

  /** Whether a prompt and its answer fit. */
  private boolean fits(Engine engine, BenchRow row) {
    return row.promptTokens() + newTokens <= engine.contextTokens();
  }

  /** One run, told of on stderr. */
  private BenchRun run(Engine engine, BenchPrompts prompts, BenchRow row, String when) {
    BenchRun run =
        BenchRun.measure(engine, prompts.request(row.promptTokens()), row.batch(), newTokens);
    tell("%s, %s, %s: %s", when, row.policy(), prompts(row), Text.seconds(run.seconds()));
    return run;
  }

  /** One run of the peer's on what a row is about. */
  private void run(PeerBench other, BenchRow row, String when) {
    PeerBench.Speeds speeds = other.measure(row.promptTokens(), newTokens, row.batch());
    row.peer().add(speeds);
    tell(
        "%s, %s, %s: read %.1f tokens/s, wrote %.1f",
        when, other.kind().engine(), prompts(row), speeds.read(), speeds.written());
  }

  private static String prompts(BenchRow row) {
    String many = row.batch() == 1 ? "" : row.batch() + " x ";
    return many + Text.count(row.promptTokens(), "token");
  }

  private void tell(String format, Object... arguments) {
    PrintWriter err = spec.commandLine().getErr();
    err.println(spec.qualifiedName() + ": " + String.format(Locale.ROOT, format, arguments));
    err.flush();
  }
}
