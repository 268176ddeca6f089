package dev.lowpass.udfs.sql;

import dev.lowpass.udfs.Counters;
import dev.lowpass.udfs.FunctionSettings;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.metric.SQLMetric;
import org.apache.spark.util.SerializableConfiguration;
import scala.collection.immutable.Map;
import scala.collection.immutable.Seq;
import scala.reflect.ClassTag$;

/**
 * The physical {@link LowpassEval}: the tasks of an executor put the texts of their rows into its
 * one engine, many at once. What they cost is in the operator's metrics.
 */
public final class LowpassEvalExec extends OneChildExec {
  private final Seq<ModelCall> calls;
  private final Seq<Attribute> results;

  /** Made when first asked for: each copy of a plan has its own. */
  private transient Counters counters;

  public LowpassEvalExec(Seq<ModelCall> calls, Seq<Attribute> results, SparkPlan child) {
    super(child);
    this.calls = calls;
    this.results = results;
  }

  private synchronized Counters counters() {
    if (counters == null) {
      counters = new Counters(sparkContext());
    }
    return counters;
  }

  @Override
  public Map<String, SQLMetric> metrics() {
    return Scala.map(counters().metrics());
  }

  @Override
  public RDD<InternalRow> doExecute() {
    Broadcast<SerializableConfiguration> hadoop =
        sparkContext()
            .broadcast(
                new SerializableConfiguration(sparkContext().hadoopConfiguration()),
                ClassTag$.MODULE$.apply(SerializableConfiguration.class));
    return child()
        .execute()
        .mapPartitions(
            new EvalPartition(calls, child().output(), output(), counters(), hadoop),
            /* preservesPartitioning= */ true,
            ClassTag$.MODULE$.apply(InternalRow.class));
  }

  @Override
  public Seq<Attribute> output() {
    return Scala.concat(child().output(), results);
  }

  @Override
  public AttributeSet producedAttributes() {
    return Scala.set(results);
  }

  @Override
  public SparkPlan withNewChildInternal(SparkPlan newChild) {
    return new LowpassEvalExec(calls, results, newChild);
  }

  @Override
  public String argString(int maxFields) {
    FunctionSettings settings = calls.head().function().settings();
    return ModelCall.show(calls)
        + results.mkString(", [", ", ", "], ")
        + settings.policy().on(settings.engine());
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
      default -> child();
    };
  }
}
