package dev.lowpass.jobs;

import dev.lowpass.pipeline.evaluation.suite.PromptWriter;
import dev.lowpass.pipeline.evaluation.suite.Suite;
import dev.lowpass.pipeline.evaluation.suite.SuiteRow;
import dev.lowpass.pipeline.evaluation.suite.SuiteSettings;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.ModelConfig;
import dev.lowpass.pipeline.text.ExtractionSchema;
import dev.lowpass.udfs.EngineSpec;
import dev.lowpass.udfs.EvaluationRun;
import dev.lowpass.udfs.Policy;
import dev.lowpass.udfs.settings.PolicyDefaults;
import dev.lowpass.udfs.settings.PolicyName;
import dev.lowpass.udfs.settings.PolicyParameter;
import dev.lowpass.udfs.settings.PolicySettings;
import dev.lowpass.udfs.settings.Setting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** What a model is run over by {@code evaluate}, under which policies, and how it is asked. */
final class EvaluationOptions {
  private static final String ORIGIN = "--policies";

  /**
   * What LongBench leaves of a window of 4,096 for its answer of up to 512 tokens and for the chat
   * template.
   */
  private static final int LONGBENCH_MARGIN = 596;

  @Option(
      names = "--policies",
      paramLabel = "NAME,...",
      split = ",",
      defaultValue = "full,streaming,snapkv,freqkv,hybrid",
      description =
          "What to run side by side: a cache policy, a prefill policy, or both as in fastkv+hybrid."
              + " Default: ${DEFAULT-VALUE}.")
  private List<String> policies;

  @Option(
      names = "--cache-tokens",
      paramLabel = "N,...",
      split = ",",
      description =
          "Sizes of the bounded caches, each run with each of them. Default: the model's own, or its"
              + " window.")
  private List<Integer> cacheTokens = List.of();

  @Option(
      names = "--data",
      paramLabel = "[SUITE=]PATH",
      description = {
        "A suite's rows: LongBench's TASK.jsonl, expected values of documents (extraction, summary),",
        "SCBench's rows (shared), texts (perplexity), or sets that --generate-only wrote."
            + " May be repeated."
      })
  private List<String> data = List.of();

  @Option(
      names = "--schema",
      paramLabel = "FILE",
      description = "JSON Schema of the fields that extraction asks for.")
  private Path schema;

  @Option(
      names = "--question-aware",
      paramLabel = "yes|no",
      defaultValue = "yes",
      description =
          "Whether policies read a document with its question in mind, or must decide what to keep"
              + " before any is known. Default: ${DEFAULT-VALUE}.")
  private String questionAware;

  @Option(
      names = "--chat",
      paramLabel = "yes|no",
      defaultValue = "yes",
      description =
          "Whether the model's chat template is used, where it has one and the task wants one."
              + " Default: ${DEFAULT-VALUE}.")
  private String chat;

  @Option(
      names = "--max-prompt-tokens",
      paramLabel = "N",
      description =
          "longbench, shared: longer prompts lose their middle, as LongBench does it; 0 for none."
              + " Default: the window less 596, LongBench's 3,500 of 4,096.")
  private Integer maxPromptTokens;

  @Option(
      names = "--limit",
      paramLabel = "N",
      defaultValue = "0",
      description = "Most rows of a task and length; 0 for all. Default: ${DEFAULT-VALUE}.")
  private int limit;

  @Mixin private PolicyTuning tuning;
  @Mixin private BatchingOptions batching;

  @Option(
      names = "--energy",
      paramLabel = "yes|no",
      defaultValue = "yes",
      description =
          "Whether the report shows the model's energy by frequency on the first text, which the"
              + " driver reads for it. Default: ${DEFAULT-VALUE}.")
  private String energy;

  /** A policy of a run, under its name in tables. */
  private record Variant(String name, PolicySettings settings) {}

  boolean energy() {
    return energy.equals("yes");
  }

  void check(Set<Suite> suites) {
    batching.check();
    for (String answer : List.of(questionAware, chat, energy)) {
      if (!answer.equals("yes") && !answer.equals("no")) {
        throw new UsageException(
            "--question-aware, --chat and --energy take yes or no, not " + answer);
      }
    }
    if (limit < 0 || (maxPromptTokens != null && maxPromptTokens < 0)) {
      throw new UsageException("--limit and --max-prompt-tokens take numbers from 0 on");
    }
    if (suites.contains(Suite.EXTRACTION) && schema == null) {
      throw new UsageException("--suite extraction needs --schema, the fields to ask for");
    }
    if (schema != null && !Files.isRegularFile(schema)) {
      throw new UsageException("--schema " + schema + ": no such file");
    }
  }

  /** The suites of {@code --suite}. */
  static Set<Suite> suites(List<String> names) {
    Set<Suite> suites = EnumSet.noneOf(Suite.class);
    for (String name : names) {
      suites.add(
          Suite.of(name)
              .orElseThrow(
                  () ->
                      new UsageException(
                          "--suite " + name + ": no such suite; there are: " + Suite.ids())));
    }
    return suites;
  }

  /** What the suites' rows need besides themselves. */
  SuiteSettings settings(List<Integer> lengths) throws IOException {
    String json = schema == null ? null : Files.readString(schema);
    if (json != null) {
      ExtractionSchema.parse(schema.toString(), json);
    }
    return new SuiteSettings(schema == null ? null : schema.toString(), json, lengths);
  }

  /** Makes the questions of a suite that has no data. */
  interface Maker {
    List<QuestionFile> make(Suite suite) throws IOException;
  }

  /** The rows of all suites, from {@code --data} or made. */
  List<SuiteRow> rows(Set<Suite> suites, SuiteSettings settings, Maker maker) throws IOException {
    SuiteFiles files = new SuiteFiles(settings);
    Map<Suite, List<Path>> paths = paths(suites);
    for (Suite suite : suites) {
      if (paths.containsKey(suite)) {
        for (Path path : paths.get(suite)) {
          files.add(suite, path);
        }
      } else if (suite.made()) {
        maker.make(suite).forEach(file -> files.add(suite, file));
      } else {
        throw new UsageException("--suite " + suite.id() + " needs --data, its rows");
      }
    }
    return limited(files.rows());
  }

  /** Which data is whose. */
  private Map<Suite, List<Path>> paths(Set<Suite> suites) {
    Map<Suite, List<Path>> paths = new EnumMap<>(Suite.class);
    for (String entry : data) {
      int equals = entry.indexOf('=');
      Optional<Suite> named = equals < 0 ? Optional.empty() : Suite.of(entry.substring(0, equals));
      if (named.isEmpty() && suites.size() > 1) {
        throw new UsageException(
            "--data " + entry + ": there are several suites; write SUITE=" + entry);
      }
      Suite suite = named.orElseGet(() -> suites.iterator().next());
      if (!suites.contains(suite)) {
        throw new UsageException("--data " + entry + ": --suite does not name it");
      }
      paths
          .computeIfAbsent(suite, s -> new ArrayList<>())
          .add(Path.of(named.isPresent() ? entry.substring(equals + 1) : entry));
    }
    return paths;
  }

  private List<SuiteRow> limited(List<SuiteRow> rows) {
    if (limit == 0) {
      return rows;
    }
    Map<String, Integer> counts = new HashMap<>();
    return rows.stream()
        .filter(row -> counts.merge(row.task() + "/" + row.length(), 1, Integer::sum) <= limit)
        .toList();
  }

  /** A run for each policy and cache size. */
  List<EvaluationRun> runs(
      CommandSpec command,
      ModelOptions model,
      Checkpoint checkpoint,
      Set<Suite> suites,
      SuiteSettings settings)
      throws IOException {
    int window = checkpoint.config().maxPositions();
    int most = maxPromptTokens == null ? Math.max(2, window - LONGBENCH_MARGIN) : maxPromptTokens;
    String id = UUID.randomUUID().toString();
    List<EvaluationRun> runs = new ArrayList<>();
    for (Variant variant : variants(command, checkpoint.config())) {
      PolicySettings policy = variant.settings();
      if (policy.policy().selects() && suites.contains(Suite.PERPLEXITY)) {
        throw new UsageException(
            "--policies "
                + variant.name()
                + ": perplexity is of all tokens, and fastkv drops some");
      }
      PromptWriter.Settings prompts =
          new PromptWriter.Settings(
              questionAware.equals("yes"),
              policy.cache().probe().equals("each"),
              chat.equals("yes"),
              most);
      EngineSpec engine = model.engine(checkpoint, policy, batching);
      runs.add(
          new EvaluationRun(
              variant.name(),
              new Policy(policy.prefill(), policy.cache()),
              engine,
              checkpoint.name(),
              settings,
              prompts,
              id,
              EvaluationRun.fingerprint(engine.weights().identify(checkpoint.digest()), prompts)));
    }
    return runs;
  }

  /** Each policy with each cache size; a full cache has none. */
  private List<Variant> variants(CommandSpec command, ModelConfig config) throws IOException {
    List<PolicyName> names = policies.stream().map(PolicyName::parse).distinct().toList();
    Map<PolicyParameter, Setting> given = PolicyTuning.given(command);
    given.remove(PolicyParameter.CACHE_TOKENS);
    given.keySet().forEach(parameter -> parameter.checkUsed(names));
    PolicyDefaults defaults = PolicyDefaults.load();
    List<Variant> variants = new ArrayList<>();
    for (PolicyName name : names) {
      Map<PolicyParameter, Setting> mine = new EnumMap<>(PolicyParameter.class);
      mine.putAll(given);
      mine.put(PolicyParameter.PREFILL, new Setting(name.prefill(), ORIGIN));
      mine.put(PolicyParameter.CACHE, new Setting(name.cache(), ORIGIN));
      if (!name.bounded()) {
        variants.add(new Variant(name.toString(), settings(mine, config, defaults)));
        continue;
      }
      if (cacheTokens.isEmpty()) {
        PolicySettings own = settings(mine, config, defaults);
        variants.add(new Variant(name + " " + own.cache().cacheTokens(), own));
      }
      for (int tokens : cacheTokens.stream().distinct().sorted().toList()) {
        mine.put(
            PolicyParameter.CACHE_TOKENS, new Setting(String.valueOf(tokens), "--cache-tokens"));
        variants.add(new Variant(name + " " + tokens, settings(mine, config, defaults)));
      }
    }
    return variants;
  }

  private static PolicySettings settings(
      Map<PolicyParameter, Setting> given, ModelConfig config, PolicyDefaults defaults) {
    PolicySettings settings = PolicySettings.of(Map.copyOf(given), config, defaults);
    settings.prefill();
    return settings;
  }
}
