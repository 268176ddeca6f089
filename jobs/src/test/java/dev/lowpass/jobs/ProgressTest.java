package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.udfs.Counters;
import dev.lowpass.udfs.TestSpark;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.metric.SQLMetrics;
import org.junit.jupiter.api.Test;

class ProgressTest {
  @Test
  void countsComeFromTheTasks() throws Exception {
    SparkContext context = TestSpark.session().sparkContext();
    SQLMetric done = SQLMetrics.createMetric(context, Counters.DONE);
    SQLMetric failed = SQLMetrics.createMetric(context, Counters.FAILED);
    SQLMetric read = SQLMetrics.createMetric(context, Counters.PROMPT_TOKENS);
    TaskCounts counts = new TaskCounts(changed -> {});
    context.addSparkListener(counts);
    try (Progress progress =
        Progress.start(counts, "lowpass test", 1200, new PrintWriter(new StringWriter()))) {
      assertThat(progress.line(1))
          .isEqualTo("lowpass test: 0 of 1,200 documents, 0 failed, 0 tokens/s");
      new JavaSparkContext(context)
          .parallelize(List.of(1, 2, 3, 4), 2)
          .foreach(
              i -> {
                done.add(75);
                failed.add(i == 1 ? 2 : 0);
                read.add(1_000);
              });
      context.listenerBus().waitUntilEmpty();
      assertThat(progress.line(10))
          .isEqualTo(
              "lowpass test: 300 of 1,200 documents, 2 failed, 400 tokens/s, about 30 s left");
      assertThat(progress.line(1000)).endsWith("about 50 min 0 s left");
    } finally {
      context.removeSparkListener(counts);
    }
  }
}
