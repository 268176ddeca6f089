package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.Result;
import java.io.Serializable;
import org.apache.spark.SparkContext;
import org.apache.spark.util.LongAccumulator;

/** What the tasks have done so far, as Spark accumulators: they also show in Spark's own UI. */
public final class Counters implements Tally, Serializable {
  /** Begins the name of each. */
  public static final String PREFIX = "lowpass ";

  public static final String DONE = PREFIX + "documents done";
  public static final String FAILED = PREFIX + "documents failed";
  public static final String PROMPT_TOKENS = PREFIX + "prompt tokens";
  public static final String OUTPUT_TOKENS = PREFIX + "output tokens";

  /** Milliseconds, as {@link dev.lowpass.pipeline.engine.Stats} has them for each document. */
  public static final String PREFILL = PREFIX + "prefill ms";

  public static final String DECODE = PREFIX + "decode ms";

  private final LongAccumulator done;
  private final LongAccumulator failed;
  private final LongAccumulator promptTokens;
  private final LongAccumulator outputTokens;
  private final LongAccumulator prefill;
  private final LongAccumulator decode;

  public Counters(SparkContext spark) {
    done = spark.longAccumulator(DONE);
    failed = spark.longAccumulator(FAILED);
    promptTokens = spark.longAccumulator(PROMPT_TOKENS);
    outputTokens = spark.longAccumulator(OUTPUT_TOKENS);
    prefill = spark.longAccumulator(PREFILL);
    decode = spark.longAccumulator(DECODE);
  }

  @Override
  public void ok(Result result) {
    done.add(1);
    promptTokens.add(result.promptTokens());
    outputTokens.add(result.outputTokens());
    prefill.add(Math.round(result.stats().prefillMs()));
    decode.add(Math.round(result.stats().decodeMs()));
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
