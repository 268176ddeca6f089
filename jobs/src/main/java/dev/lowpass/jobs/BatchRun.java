package dev.lowpass.jobs;

import static org.apache.spark.sql.functions.col;

import dev.lowpass.udfs.Corpus;
import dev.lowpass.udfs.Counters;
import dev.lowpass.udfs.OutputTable;
import dev.lowpass.udfs.Retry;
import dev.lowpass.udfs.Run;
import dev.lowpass.udfs.Slices;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Optional;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * One run over a corpus: the documents that the output lacks, and those that are to be tried again.
 */
final class BatchRun {
  private final Run run;
  private final Output output;
  private final Corpus missing;
  private final long missingDocuments;
  private final Optional<Retry> retry;
  private final Report report;

  /** Documents of the table that failed and stay as they are. */
  private final long failedBefore;

  private BatchRun(
      Run run,
      Output output,
      Corpus missing,
      long missingDocuments,
      Optional<Retry> retry,
      Report report,
      long failedBefore) {
    this.run = run;
    this.output = output;
    this.missing = missing;
    this.missingDocuments = missingDocuments;
    this.retry = retry;
    this.report = report;
    this.failedBefore = failedBefore;
  }

  /**
   * Finds out what there is to do.
   *
   * @throws UsageException if the output is not this run's to go on with
   */
  static BatchRun plan(Run run, Corpus corpus, Output output, boolean retryFailed)
      throws IOException {
    long total = corpus.size();
    Optional<Dataset<Row>> done =
        output.rows(run.fingerprint(), new OutputTable(run, corpus.kept()).schema());
    if (done.isEmpty()) {
      Report report = new Report(run, output, total, total);
      return new BatchRun(run, output, corpus, total, Optional.empty(), report, 0);
    }
    Corpus missing = corpus.without(done.get());
    long missingDocuments = missing.size();
    Optional<Retry> retry =
        retryFailed
            ? Optional.of(Retry.of(corpus, done.get())).filter(found -> found.documents() > 0)
            : Optional.empty();
    long again = retry.map(Retry::documents).orElse(0L);
    long failed = done.get().where(col(OutputTable.STATUS).equalTo(OutputTable.FAILED)).count();
    Report report = new Report(run, output, total, missingDocuments + again);
    return new BatchRun(run, output, missing, missingDocuments, retry, report, failed - again);
  }

  Report report() {
    return report;
  }

  /**
   * Does it.
   *
   * @param slice most documents that are committed together
   * @param limit how many documents of the table may fail
   * @return whether all of it was done; else more failed than may
   */
  boolean write(SparkContext spark, int slice, FailureLimit limit, String command, PrintWriter err)
      throws IOException {
    long allowed = limit.of(report.total());
    if (report.todo() == 0) {
      output.markComplete();
      return true;
    }
    if (failedBefore > allowed) {
      return false;
    }
    FailureWatch watch = new FailureWatch(spark, run.runId(), allowed - failedBefore);
    TaskCounts counts = new TaskCounts(watch);
    spark.addSparkListener(counts);
    spark.setJobGroup(run.runId(), command + ": " + Text.count(report.todo(), "document"), false);
    try (Progress progress = Progress.start(counts, command, report.todo(), err);
        Interruption interruption =
            new Interruption(
                err,
                command
                    + ": stopped; what was finished is in "
                    + output.location()
                    + ". To go on, run the same command.")) {
      if (missingDocuments > 0) {
        Slices slices = new Slices(slice, spark.defaultParallelism());
        output.append(missing.decode(run, new Counters(spark), slices));
      }
      if (retry.isPresent() && !watch.exceeded()) {
        output.replace(retry.get().files(), retry.get().decode(run, new Counters(spark)));
      }
    } catch (Exception e) {
      // Spark throws checked exceptions that its Java signatures do not declare.
      if (!watch.exceeded()) {
        throw e;
      }
    } finally {
      spark.clearJobGroup();
      spark.removeSparkListener(counts);
    }
    if (watch.exceeded()) {
      return false;
    }
    output.markComplete();
    return true;
  }
}
