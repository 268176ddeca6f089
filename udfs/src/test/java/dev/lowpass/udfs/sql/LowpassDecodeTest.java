package dev.lowpass.udfs.sql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.pipeline.engine.Result;
import dev.lowpass.pipeline.engine.Stats;
import dev.lowpass.udfs.Counters;
import dev.lowpass.udfs.SqlTab;
import dev.lowpass.udfs.TestSpark;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;

class LowpassDecodeTest {
  private static final Stats STATS = new Stats(0, 1_500, 2_500, 1 << 20, 0, 0, List.of());

  /** Counts rows as documents, every third as failed; each task fails once when it has done so. */
  private static MapPartitionsFunction<Row, Row> count(Counters counters) {
    return rows -> {
      List<Row> passed = new ArrayList<>();
      while (rows.hasNext()) {
        passed.add(rows.next());
        if (passed.size() % 3 == 0) {
          counters.failed();
        } else {
          counters.ok(new Result(List.of(), 700, 5, STATS));
        }
      }
      if (TaskContext.get().attemptNumber() == 0) {
        throw new IllegalStateException("the first attempt fails, for the test");
      }
      return passed.iterator();
    };
  }

  @Test
  void theSqlTabShowsWhatTheAttemptsThatEndedWellCounted() throws Exception {
    SparkSession spark = TestSpark.session();
    Counters counters = new Counters(spark.sparkContext());
    Dataset<Row> numbers = spark.range(0, 12, 1, 2).toDF();
    Dataset<Row> counted = numbers.mapPartitions(count(counters), Encoders.row(numbers.schema()));
    Dataset<Row> shown = LowpassDecode.show(counted, "numbers", counters);
    assertThat(shown.queryExecution().executedPlan().toString()).contains("LowpassDecode numbers");
    assertThat(shown.schema()).isEqualTo(numbers.schema());
    assertThat(shown.collectAsList()).containsExactlyElementsOf(numbers.collectAsList());
    Map<String, String> metrics = SqlTab.metrics(spark, "LowpassDecode");
    assertThat(metrics.get(Counters.DONE)).isEqualTo("12");
    assertThat(metrics.get(Counters.FAILED)).isEqualTo("4");
    assertThat(metrics.get(Counters.PROMPT_TOKENS)).isEqualTo("5,600");
    assertThat(metrics.get(Counters.OUTPUT_TOKENS)).isEqualTo("40");
    assertThat(metrics.get("prefill time")).contains("\n12.0 s (6.0 s, 6.0 s, 6.0 s");
    assertThat(metrics.get("decode time")).contains("\n20.0 s (");
    assertThat(metrics.get("cache of all documents")).contains("\n8.0 MiB (4.0 MiB, ");
    assertThat(counters.metrics().get("documents").value()).isEqualTo(12);
  }
}
