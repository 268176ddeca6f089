package dev.lowpass.jobs;

import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.udfs.Corpus;
import dev.lowpass.udfs.Counters;
import dev.lowpass.udfs.DocumentTask;
import dev.lowpass.udfs.EngineSpec;
import dev.lowpass.udfs.OutputTable;
import dev.lowpass.udfs.Policy;
import dev.lowpass.udfs.Run;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** A job over a corpus: the frame of {@code extract} and {@code summarize}. */
abstract class BatchCommand implements Callable<Integer> {
  /** Enough tasks for an even load at the end, and few enough that each is worth its start. */
  private static final int TASKS_PER_CORE = 4;

  private static final long DOCUMENTS_PER_TASK = 256;

  @Mixin private CorpusOptions input;

  @Option(
      names = "--output",
      paramLabel = "URI",
      required = true,
      description =
          "Folder of the Parquet table. Documents that are in it already are not done again.")
  private String location;

  @Mixin private ModelOptions model;
  @Mixin private DecodingOptions decoding;

  @Option(
      names = "--max-failed",
      paramLabel = "N",
      description = "Exit with 3 if more documents of the table failed. Default: any number may.")
  private Long maxFailed;

  @Mixin private SparkOptions spark;

  @Option(
      names = "--dry-run",
      description = "Check everything, print settings and memory, and stop.")
  private boolean dryRun;

  @Mixin private CommonOptions common;

  @Spec private CommandSpec spec;

  /** What to ask of each document, checked. */
  abstract DocumentTask task() throws IOException;

  abstract int defaultMaxNewTokens();

  @Override
  public Integer call() throws IOException {
    model.check();
    decoding.check();
    DocumentTask task = task();
    CheckpointFacts facts;
    PolicySettings policy;
    Run run;
    try (Checkpoint checkpoint = model.open(common.hadoop())) {
      facts = CheckpointFacts.of(checkpoint);
      requireChatTemplate(checkpoint, facts);
      policy = DecodingOptions.policy(spec, checkpoint.config());
      run = run(task, checkpoint, policy);
    }
    boolean own = SparkSession.getDefaultSession().isEmpty();
    SparkSession session = spark.session(task.command(), common);
    try {
      return run(session, run, policy, facts);
    } finally {
      if (own) {
        session.stop();
      }
    }
  }

  private static void requireChatTemplate(Checkpoint checkpoint, CheckpointFacts facts) {
    if (!facts.chatTemplate()) {
      throw new ModelException(
          checkpoint.folder()
              + ": has no chat template, so it cannot be asked anything; give an instruct model, or add chat_template to its tokenizer_config.json");
    }
  }

  private Run run(DocumentTask task, Checkpoint checkpoint, PolicySettings policy) {
    EngineSpec engine =
        new EngineSpec(
            model.location(),
            checkpoint.digest(),
            model.cache(),
            model.device(),
            model.threads(),
            policy.contextTokens(),
            policy.cache(),
            policy.prefill());
    return Run.start(
        task,
        engine,
        checkpoint.name(),
        decoding.generation(defaultMaxNewTokens()),
        new Policy(policy.prefill(), policy.cache()));
  }

  private int run(SparkSession session, Run run, PolicySettings policy, CheckpointFacts facts)
      throws IOException {
    Corpus corpus = input.open(session);
    long total = corpus.size();
    Output output = new Output(session, location);
    Optional<Dataset<Row>> done =
        output.rows(run.fingerprint(), new OutputTable(run, corpus.kept()).schema());
    Corpus missing = done.isPresent() ? corpus.without(done.get()) : corpus;
    long todo = done.isPresent() ? missing.size() : total;
    Report report = new Report(run, output, total, todo);
    PrintWriter out = spec.commandLine().getOut();
    if (dryRun) {
      DryRun.print(
          out, spec, run, policy, facts, report, input.format(), session.sparkContext().master());
      return Lowpass.DONE;
    }
    long start = System.nanoTime();
    if (todo > 0) {
      write(session.sparkContext(), missing, todo, run, output);
    }
    long failed = report.print(out, (System.nanoTime() - start) / 1e9);
    return maxFailed != null && failed > maxFailed ? Lowpass.TOO_MANY_FAILED : Lowpass.DONE;
  }

  private void write(SparkContext context, Corpus missing, long todo, Run run, Output output)
      throws IOException {
    int tasks =
        (int)
            Math.min(
                todo,
                Math.max(
                    (long) context.defaultParallelism() * TASKS_PER_CORE,
                    todo / DOCUMENTS_PER_TASK));
    PrintWriter err = spec.commandLine().getErr();
    String command = spec.qualifiedName();
    try (Progress progress = Progress.start(context, command, todo, err);
        Interruption interruption =
            new Interruption(
                err,
                command
                    + ": stopped; "
                    + output.location()
                    + " is as it was before. To start again, run the same command.")) {
      output.append(missing.decode(run, new Counters(context), tasks));
    }
  }
}
