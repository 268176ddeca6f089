package dev.lowpass.jobs;

import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.text.TextTokenizer;
import dev.lowpass.udfs.Corpus;
import dev.lowpass.udfs.DocumentTask;
import dev.lowpass.udfs.EngineSpec;
import dev.lowpass.udfs.Generation;
import dev.lowpass.udfs.LowpassPlugin;
import dev.lowpass.udfs.Policy;
import dev.lowpass.udfs.Run;
import dev.lowpass.udfs.settings.PolicySettings;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** A job over a corpus: the frame of {@code extract} and {@code summarize}. */
abstract class BatchCommand implements Callable<Integer> {
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

  @Mixin private BatchingOptions batching;
  @Mixin private FailureOptions failures;

  @Option(
      names = "--commit-documents",
      paramLabel = "N",
      defaultValue = "64",
      description =
          "Most documents whose rows join the table together: what a task that is killed does again. Default: ${DEFAULT-VALUE}.")
  private int commitDocuments;

  @Mixin private SparkOptions spark;

  @Option(
      names = "--dry-run",
      description = "Check everything, print settings and memory, and stop.")
  private boolean dryRun;

  @Mixin private CommonOptions common;

  @Spec private CommandSpec spec;

  private final Instant started = Instant.now();

  /** What to ask of each document, checked. */
  abstract DocumentTask task() throws IOException;

  @Override
  public Integer call() throws IOException {
    model.check();
    decoding.check();
    batching.check();
    failures.check();
    if (commitDocuments < 1) {
      throw new UsageException("--commit-documents is " + commitDocuments + "; give at least 1");
    }
    DocumentTask task = task();
    PolicySettings policy;
    Run run;
    try (Checkpoint checkpoint = model.open(common.hadoop())) {
      requireChatTemplate(checkpoint.folder());
      policy = DecodingOptions.policy(spec, checkpoint.config());
      run = run(task, checkpoint, policy);
    }
    boolean own = SparkSession.getDefaultSession().isEmpty();
    SparkSession session = spark.session(task.command(), common, dryRun ? null : run.engine());
    try {
      return run(session, run, policy);
    } catch (Exception e) {
      // An executor that cannot load the model ends whatever job is running.
      Optional<ModelException> failure = LowpassPlugin.failure();
      if (failure.isPresent()) {
        throw failure.get();
      }
      throw e;
    } finally {
      if (own) {
        session.stop();
      }
    }
  }

  private static void requireChatTemplate(Path model) {
    if (!TextTokenizer.hasChatTemplate(model)) {
      throw new ModelException(
          model
              + ": has no chat template, so it cannot be asked anything; give an instruct model, or add chat_template to its tokenizer_config.json");
    }
  }

  private Run run(DocumentTask task, Checkpoint checkpoint, PolicySettings policy) {
    EngineSpec engine = model.engine(checkpoint, policy, batching);
    Generation generation = decoding.generation(task.defaultMaxNewTokens());
    task.check(generation);
    return Run.start(
        task,
        engine,
        checkpoint.name(),
        generation,
        new Policy(policy.prefill(), policy.cache()),
        failures.limits());
  }

  private int run(SparkSession session, Run run, PolicySettings policy) throws IOException {
    Corpus corpus = input.open(session);
    Output output = new Output(session, location);
    if (!dryRun) {
      output.takeOver();
    }
    BatchRun batch = BatchRun.plan(run, corpus, output, failures.retryFailed());
    PrintWriter out = spec.commandLine().getOut();
    if (dryRun) {
      CheckpointFacts facts;
      try (Checkpoint checkpoint = model.open(common.hadoop())) {
        facts = CheckpointFacts.of(checkpoint, model.weightType());
      }
      DryRun.print(
          out,
          spec,
          run,
          policy,
          facts,
          batch.report(),
          input.format(),
          session.sparkContext().master());
      return Lowpass.DONE;
    }
    String command = spec.qualifiedName();
    PrintWriter err = spec.commandLine().getErr();
    FailureLimit limit = failures.maxFailed();
    long start = System.nanoTime();
    boolean finished = batch.write(session.sparkContext(), commitDocuments, limit, command, err);
    long failed = batch.report().print(out, started, (System.nanoTime() - start) / 1e9);
    if (!finished) {
      err.println(
          command
              + ": stopped, for more documents failed than --max-failed allows; mend them and run the same command with --retry-failed, or allow more");
    }
    return finished && failed <= limit.of(batch.report().total())
        ? Lowpass.DONE
        : Lowpass.TOO_MANY_FAILED;
  }
}
