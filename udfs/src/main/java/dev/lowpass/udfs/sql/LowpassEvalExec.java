package dev.lowpass.udfs.sql;

import dev.lowpass.pipeline.engine.Result;
import dev.lowpass.udfs.EngineSpec;
import dev.lowpass.udfs.FunctionSettings;
import dev.lowpass.udfs.Tally;
import java.io.Serializable;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.SparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.plans.physical.Partitioning;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.UnaryExecNode;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.sql.execution.metric.SQLMetrics;
import org.apache.spark.util.SerializableConfiguration;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;
import scala.reflect.ClassTag$;

/**
 * The physical {@link LowpassEval}: the tasks of an executor put the texts of their rows into its
 * one engine, many at once. What they cost is in the operator's metrics.
 */
public final class LowpassEvalExec extends SparkPlan implements UnaryExecNode {
  private final Seq<ModelCall> calls;
  private final Seq<Attribute> results;
  private final SparkPlan child;

  /** Made when first asked for: each copy of a plan has its own. */
  private transient Costs costs;

  public LowpassEvalExec(Seq<ModelCall> calls, Seq<Attribute> results, SparkPlan child) {
    this.calls = calls;
    this.results = results;
    this.child = child;
  }

  /** What the documents cost, as the operator's metrics. */
  private static final class Costs implements Tally, Serializable {
    private final SQLMetric documents;
    private final SQLMetric failed;
    private final SQLMetric promptTokens;
    private final SQLMetric outputTokens;
    private final SQLMetric prefill;
    private final SQLMetric decode;

    Costs(SparkContext spark) {
      documents = SQLMetrics.createMetric(spark, "number of documents");
      failed = SQLMetrics.createMetric(spark, "documents failed");
      promptTokens = SQLMetrics.createMetric(spark, "prompt tokens");
      outputTokens = SQLMetrics.createMetric(spark, "output tokens");
      prefill = SQLMetrics.createTimingMetric(spark, "prefill time", 0);
      decode = SQLMetrics.createTimingMetric(spark, "decode time", 0);
    }

    scala.collection.immutable.Map<String, SQLMetric> metrics() {
      Map<String, SQLMetric> metrics = new LinkedHashMap<>();
      metrics.put("documents", documents);
      metrics.put("failed", failed);
      metrics.put("promptTokens", promptTokens);
      metrics.put("outputTokens", outputTokens);
      metrics.put("prefillTime", prefill);
      metrics.put("decodeTime", decode);
      return Scala.map(metrics);
    }

    @Override
    public void ok(Result result) {
      documents.add(1);
      promptTokens.add(result.promptTokens());
      outputTokens.add(result.outputTokens());
      prefill.add(Math.round(result.stats().prefillMs()));
      decode.add(Math.round(result.stats().decodeMs()));
    }

    @Override
    public void failed() {
      documents.add(1);
      failed.add(1);
    }
  }

  private synchronized Costs costs() {
    if (costs == null) {
      costs = new Costs(sparkContext());
    }
    return costs;
  }

  @Override
  public scala.collection.immutable.Map<String, SQLMetric> metrics() {
    return costs().metrics();
  }

  @Override
  public RDD<InternalRow> doExecute() {
    Broadcast<SerializableConfiguration> hadoop =
        sparkContext()
            .broadcast(
                new SerializableConfiguration(sparkContext().hadoopConfiguration()),
                ClassTag$.MODULE$.apply(SerializableConfiguration.class));
    return child
        .execute()
        .mapPartitions(
            new EvalPartition(calls, child.output(), output(), costs(), hadoop),
            /* preservesPartitioning= */ true,
            ClassTag$.MODULE$.apply(InternalRow.class));
  }

  @Override
  public SparkPlan child() {
    return child;
  }

  @Override
  public Seq<Attribute> output() {
    return Scala.concat(child.output(), results);
  }

  @Override
  public AttributeSet producedAttributes() {
    return Scala.set(results);
  }

  @Override
  public Partitioning outputPartitioning() {
    return child.outputPartitioning();
  }

  @Override
  public Seq<SortOrder> outputOrdering() {
    return child.outputOrdering();
  }

  @Override
  public Seq<SparkPlan> children() {
    return Scala.seq(child);
  }

  @Override
  public SparkPlan withNewChildInternal(SparkPlan newChild) {
    return new LowpassEvalExec(calls, results, newChild);
  }

  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> children) {
    return withNewChildInternal(children.head());
  }

  @Override
  public String argString(int maxFields) {
    FunctionSettings settings = calls.head().function().settings();
    EngineSpec engine = settings.engine();
    return "%s, %s, model %s, prefill %s, cache %s of %d tokens"
        .formatted(
            ModelCall.show(calls),
            results.mkString("[", ", ", "]"),
            engine.model(),
            settings.policy().prefill().prefill(),
            settings.policy().cache().cache(),
            settings.policy().cacheTokens());
  }

  @Override
  public String verboseStringWithOperatorId() {
    return UnaryExecNode.super.verboseStringWithOperatorId();
  }

  @Override
  public int productArity() {
    return 3;
  }

  @Override
  public Object productElement(int n) {
    return switch (n) {
      case 0 -> calls;
      case 1 -> results;
      default -> child;
    };
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof LowpassEvalExec;
  }

  @Override
  public boolean equals(Object other) {
    return Scala.equal(this, other);
  }

  @Override
  public int hashCode() {
    return super.hashCode();
  }
}
