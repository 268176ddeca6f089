package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.Result;
import java.io.Serializable;
import org.apache.spark.SparkContext;
import org.apache.spark.util.LongAccumulator;

/** What the tasks have done so far, as Spark accumulators: they also show in Spark's own UI. */
public final class Counters implements Serializable {
  /** Begins the name of each. */
  public static final String PREFIX = "lowpass ";

  public static final String DONE = PREFIX + "documents done";
  public static final String FAILED = PREFIX + "documents failed";
  public static final String PROMPT_TOKENS = PREFIX + "prompt tokens";
  public static final String OUTPUT_TOKENS = PREFIX + "output tokens";

  private final LongAccumulator done;
  private final LongAccumulator failed;
  private final LongAccumulator promptTokens;
  private final LongAccumulator outputTokens;

  public Counters(SparkContext spark) {
    done = spark.longAccumulator(DONE);
    failed = spark.longAccumulator(FAILED);
    promptTokens = spark.longAccumulator(PROMPT_TOKENS);
    outputTokens = spark.longAccumulator(OUTPUT_TOKENS);
  }

  void ok(Result result) {
    done.add(1);
    promptTokens.add(result.promptTokens());
    outputTokens.add(result.outputTokens());
  }

  void failed() {
    done.add(1);
    failed.add(1);
  }
}
