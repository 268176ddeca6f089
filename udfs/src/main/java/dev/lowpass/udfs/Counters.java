package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.Result;
import java.io.Serializable;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.metric.SQLMetrics;

/**
 * What the documents of one query have cost so far: the metrics of an operator of its plan, so that
 * Spark's SQL tab shows them. What a failed attempt of a task counted is not in their sums.
 */
public final class Counters implements Tally, Serializable {
  /** Names that people read. */
  public static final String DONE = "number of documents";

  public static final String FAILED = "documents failed";
  public static final String PROMPT_TOKENS = "prompt tokens";
  public static final String OUTPUT_TOKENS = "output tokens";

  private final SQLMetric done;
  private final SQLMetric failed;
  private final SQLMetric promptTokens;
  private final SQLMetric outputTokens;

  /** Times in milliseconds, as {@link dev.lowpass.pipeline.engine.Stats} has them. */
  private final SQLMetric prefill;

  private final SQLMetric decode;

  /** Bytes, summed over the documents: not how much there was at once. */
  private final SQLMetric cache;

  public Counters(SparkContext spark) {
    done = SQLMetrics.createMetric(spark, DONE);
    failed = SQLMetrics.createMetric(spark, FAILED);
    promptTokens = SQLMetrics.createMetric(spark, PROMPT_TOKENS);
    outputTokens = SQLMetrics.createMetric(spark, OUTPUT_TOKENS);
    prefill = SQLMetrics.createTimingMetric(spark, "prefill time", 0);
    decode = SQLMetrics.createTimingMetric(spark, "decode time", 0);
    cache = SQLMetrics.createSizeMetric(spark, "cache of all documents", 0);
  }

  /** The metrics by the keys that Spark's operators give theirs. */
  public Map<String, SQLMetric> metrics() {
    Map<String, SQLMetric> metrics = new LinkedHashMap<>();
    metrics.put("documents", done);
    metrics.put("failed", failed);
    metrics.put("promptTokens", promptTokens);
    metrics.put("outputTokens", outputTokens);
    metrics.put("prefillTime", prefill);
    metrics.put("decodeTime", decode);
    metrics.put("cacheBytes", cache);
    return metrics;
  }

  @Override
  public void ok(Result result) {
    done.add(1);
    promptTokens.add(result.promptTokens());
    outputTokens.add(result.outputTokens());
    prefill.add(Math.round(result.stats().prefillMs()));
    decode.add(Math.round(result.stats().decodeMs()));
    cache.add(result.stats().cacheBytes());
  }

  /** A row that took no engine. */
  void done() {
    done.add(1);
  }

  @Override
  public void failed() {
    done.add(1);
    failed.add(1);
  }
}
