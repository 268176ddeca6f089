package dev.lowpass.jobs;

import dev.lowpass.pipeline.evaluation.Comparison;
import dev.lowpass.pipeline.evaluation.EvaluationException;
import dev.lowpass.pipeline.evaluation.ScoreFiles;
import dev.lowpass.pipeline.evaluation.TaskScore;
import dev.lowpass.pipeline.evaluation.longbench.PredictionFolder;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "evaluate",
    description =
        "Scores predictions, generates evaluation sets, and compares the scores of two runs.")
final class EvaluateCommand implements Callable<Integer> {
  private static final String LONGBENCH = "longbench";

  @Option(
      names = "--suite",
      paramLabel = "NAME",
      description =
          "longbench with --predictions; ruler or needle (depth x length) with --generate-only.")
  private String suite;

  @Option(
      names = "--predictions",
      paramLabel = "DIR",
      description = "Score what a model has said already: TASK.jsonl, one file a task.")
  private Path predictions;

  @Option(names = "--generate-only", description = "Write the suite's questions and stop.")
  private boolean generateOnly;

  @Option(
      names = "--compare",
      paramLabel = "RUN",
      arity = "2",
      description =
          "Compare run B with run A, the folders that --output named; exit with 4 if B is worse.")
  private List<Path> compare = List.of();

  @Option(names = "--output", paramLabel = "DIR", description = "Where to write.")
  private Path output;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "42",
      description = "Of generated questions and of resampling. Default: ${DEFAULT-VALUE}.")
  private int seed;

  @Option(
      names = "--max-failed",
      paramLabel = "N",
      description = "Exit with 3 if more predictions could not be scored. Default: any number may.")
  private Long maxFailed;

  @Mixin private QuestionOptions questions;
  @Mixin private ModelOptions model;
  @Mixin private CommonOptions common;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    long modes =
        Stream.of(predictions != null, generateOnly, !compare.isEmpty()).filter(m -> m).count();
    if (modes != 1) {
      throw new UsageException("give one of --predictions, --generate-only and --compare");
    }
    if (seed < 0) {
      throw new UsageException("--seed is " + seed + "; give 0 or more");
    }
    try {
      if (!compare.isEmpty()) {
        return compare();
      }
      return generateOnly ? generate() : score();
    } catch (EvaluationException e) {
      throw new UsageException(e.getMessage(), e);
    }
  }

  private Path requireOutput() {
    if (output == null) {
      throw new UsageException("no --output given; name a folder to write to");
    }
    return output;
  }

  private int score() throws IOException {
    if (!LONGBENCH.equals(suite)) {
      throw new UsageException("--predictions needs --suite " + LONGBENCH);
    }
    PrintWriter err = spec.commandLine().getErr();
    Path folder = requireOutput();
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

  private int generate() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    questions.check(suite);
    Path folder = requireOutput();
    questions.generate(suite, folder, model.folder(common.hadoop()), seed, out, err);
    return Lowpass.DONE;
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
