package dev.lowpass.jobs;

import dev.lowpass.pipeline.evaluation.Comparison;
import dev.lowpass.pipeline.evaluation.EvaluationException;
import dev.lowpass.pipeline.evaluation.ScoreFiles;
import dev.lowpass.pipeline.evaluation.TaskScore;
import dev.lowpass.pipeline.evaluation.longbench.PredictionFolder;
import dev.lowpass.pipeline.evaluation.ruler.EvaluationSets;
import dev.lowpass.pipeline.evaluation.suite.Suite;
import dev.lowpass.pipeline.evaluation.suite.SuiteRow;
import dev.lowpass.pipeline.evaluation.suite.SuiteSettings;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.udfs.EvaluationRun;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "evaluate",
    description =
        "Runs a model over evaluation suites under several policies, scores predictions, generates evaluation sets, and compares the scores of two runs.")
final class EvaluateCommand implements Callable<Integer> {
  private static final String LONGBENCH = "longbench";

  @Option(
      names = "--suite",
      paramLabel = "NAME,...",
      split = ",",
      description =
          "needle (depth x length), ruler, longbench, extraction (fields), summary, shared (several questions on one document, SCBench), perplexity; longbench with --predictions, ruler or needle with --generate-only.")
  private List<String> suites = List.of();

  @Option(
      names = "--predictions",
      paramLabel = "DIR",
      description = "Score what a model has said already: TASK.jsonl, one file a task.")
  private Path predictions;

  @Option(
      names = "--generate-only",
      description = "Write the suite's questions (JSONL, Parquet, a data card) and stop.")
  private boolean generateOnly;

  @Option(
      names = "--compare",
      paramLabel = "RUN",
      arity = "2",
      description =
          "Compare run B with run A, the folders that --output named; exit with 4 if B is worse.")
  private List<Path> compare = List.of();

  @Option(
      names = "--output",
      paramLabel = "DIR",
      description = "Where to write. Predictions that are there already are not made again.")
  private String output;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "42",
      description = "Of generated questions and of resampling. Default: ${DEFAULT-VALUE}.")
  private int seed;

  @Option(
      names = "--max-failed",
      paramLabel = "N",
      description = "Exit with 3 if more rows failed. Default: any number may.")
  private Long maxFailed;

  @Mixin private QuestionOptions questions;
  @Mixin private EvaluationOptions options;
  @Mixin private SparkOptions spark;
  @Mixin private ModelOptions model;
  @Mixin private CommonOptions common;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    long modes =
        Stream.of(predictions != null, generateOnly, !compare.isEmpty()).filter(m -> m).count();
    if (modes > 1) {
      throw new UsageException("give one of --predictions, --generate-only and --compare");
    }
    if (seed < 0) {
      throw new UsageException("--seed is " + seed + "; give 0 or more");
    }
    try {
      if (!compare.isEmpty()) {
        return compare();
      }
      if (suites.isEmpty()) {
        throw new UsageException("no --suite given; there are: " + Suite.ids());
      }
      if (modes == 0) {
        return run();
      }
      return generateOnly ? generate() : score();
    } catch (EvaluationException e) {
      throw new UsageException(e.getMessage(), e);
    }
  }

  private String requireOutput() {
    if (output == null) {
      throw new UsageException("no --output given; name a folder to write to");
    }
    return output;
  }

  private int score() throws IOException {
    if (!suites.equals(List.of(LONGBENCH))) {
      throw new UsageException("--predictions needs --suite " + LONGBENCH);
    }
    PrintWriter err = spec.commandLine().getErr();
    Path folder = Path.of(requireOutput());
    List<TaskScore> tasks =
        TaskScore.ofAll(
            PredictionFolder.open(predictions)
                .score(complaint -> err.println(spec.qualifiedName() + ": " + complaint)));
    ScoreFiles.write(folder, tasks);
    PrintWriter out = spec.commandLine().getOut();
    EvaluationTables.scores(tasks, seed).print(out);
    out.printf("output     %s%n", folder.resolve(ScoreFiles.METRICS));
    out.flush();
    long failed = tasks.stream().mapToLong(TaskScore::failed).sum();
    return maxFailed != null && failed > maxFailed ? Lowpass.TOO_MANY_FAILED : Lowpass.DONE;
  }

  private int run() throws IOException {
    model.check();
    questions.check();
    Set<Suite> chosen = EvaluationOptions.suites(suites);
    options.check(chosen);
    String folder = requireOutput();
    Path modelFolder = model.folder(common.hadoop());
    SuiteSettings settings = options.settings(questions.lengths());
    PrintWriter err = spec.commandLine().getErr();
    List<SuiteRow> rows =
        options.rows(
            chosen,
            settings,
            suite -> questions.make(suite, modelFolder, seed, new ArrayList<>(), err));
    List<EvaluationRun> runs;
    CheckpointFacts facts;
    Optional<String> spectrum;
    try (Checkpoint checkpoint = model.open(common.hadoop())) {
      facts = CheckpointFacts.of(checkpoint, model.weightType());
      runs = options.runs(spec, model, checkpoint, chosen, settings);
      spectrum =
          options.energy()
              ? ModelEvaluation.spectrum(checkpoint, model, runs.get(0), rows)
              : Optional.empty();
    }
    EvaluationFacts made = EvaluationFacts.of(facts, runs, rows, seed, spectrum);
    return withSession(session -> run(session, folder, runs, rows, made));
  }

  private int run(
      SparkSession session,
      String folder,
      List<EvaluationRun> runs,
      List<SuiteRow> rows,
      EvaluationFacts facts)
      throws IOException {
    Output predictions = new Output(session, folder + "/predictions");
    long start = System.nanoTime();
    long done = new ModelEvaluation(session, spec, predictions, seed).run(runs, rows);
    double seconds = (System.nanoTime() - start) / 1e9;
    EvaluationResults results =
        EvaluationResults.of(
            predictions.read(), rows, runs.stream().map(EvaluationRun::name).toList());
    new EvaluationFiles(session, folder, seed).write(results, facts);
    PrintWriter out = spec.commandLine().getOut();
    EvaluationTables.policies(results, seed).print(out);
    out.printf("done       %s in %s%n", Text.count(done, "prediction"), Text.seconds(seconds));
    out.printf("output     %s/%s%n", folder, EvaluationFiles.REPORT);
    out.flush();
    long failed = results.items().stream().filter(item -> !item.ok()).count();
    return maxFailed != null && failed > maxFailed ? Lowpass.TOO_MANY_FAILED : Lowpass.DONE;
  }

  private int generate() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    questions.check();
    Set<Suite> chosen = EvaluationOptions.suites(suites);
    if (chosen.size() != 1 || !chosen.iterator().next().made()) {
      throw new UsageException("--generate-only needs --suite ruler or needle");
    }
    Suite suite = chosen.iterator().next();
    EvaluationSets sets = new EvaluationSets(Path.of(requireOutput()));
    List<String> facts = new ArrayList<>();
    Path modelFolder = model.folder(common.hadoop());
    List<EvaluationSets.Written> written = new ArrayList<>();
    for (QuestionFile file : questions.make(suite, modelFolder, seed, facts, err)) {
      written.add(sets.write(file.task(), file.length(), file.lines()));
    }
    sets.writeCard(suite == Suite.NEEDLE ? "Needle in a haystack" : "RULER", facts);
    withSession(
        session -> {
          for (EvaluationSets.Written set : written) {
            ParquetCopies.write(session, set.file());
            out.printf("%s  %s%n", set.file(), Text.count(set.rows(), "row"));
            out.flush();
          }
          return Lowpass.DONE;
        });
    return Lowpass.DONE;
  }

  private interface SparkWork {
    int run(SparkSession session) throws IOException;
  }

  /** In the session of this JVM, or in one that ends with the work. */
  private int withSession(SparkWork work) throws IOException {
    boolean own = SparkSession.getDefaultSession().isEmpty();
    SparkSession session = spark.session("evaluate", common, /* engine= */ null);
    try {
      return work.run(session);
    } finally {
      if (own) {
        session.stop();
      }
    }
  }

  private int compare() throws IOException {
    Comparison comparison =
        Comparison.of(ScoreFiles.read(compare.get(0)), ScoreFiles.read(compare.get(1)), seed);
    PrintWriter out = spec.commandLine().getOut();
    EvaluationTables.comparison(comparison).print(out);
    comparison.missing().forEach(task -> out.println(task + ": run B has no row of it"));
    out.println(comparison.regressed() ? "B is worse than A." : "B is not worse than A.");
    out.flush();
    return comparison.regressed() ? Lowpass.REGRESSED : Lowpass.DONE;
  }
}
