package dev.lowpass.jobs;

import dev.lowpass.udfs.Counters;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.apache.spark.SparkContext;

/** Stops a run in which more documents fail than may. */
final class FailureWatch implements Consumer<TaskCounts> {
  private final SparkContext spark;
  private final String jobGroup;
  private final long allowed;
  private final AtomicBoolean exceeded = new AtomicBoolean();

  FailureWatch(SparkContext spark, String jobGroup, long allowed) {
    this.spark = spark;
    this.jobGroup = jobGroup;
    this.allowed = allowed;
  }

  @Override
  public void accept(TaskCounts counts) {
    if (counts.count(Counters.FAILED) > allowed && exceeded.compareAndSet(false, true)) {
      spark.cancelJobGroup(jobGroup, "more documents failed than --max-failed allows");
    }
  }

  /** Whether it has come to that. */
  boolean exceeded() {
    return exceeded.get();
  }
}
