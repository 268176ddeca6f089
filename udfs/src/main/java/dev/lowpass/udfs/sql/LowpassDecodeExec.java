package dev.lowpass.udfs.sql;

import dev.lowpass.udfs.Counters;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.metric.SQLMetric;
import scala.collection.immutable.Map;
import scala.collection.immutable.Seq;

/** The physical {@link LowpassDecode}: its counters are its metrics. */
public final class LowpassDecodeExec extends OneChildExec {
  private final String description;
  private final Counters counters;

  public LowpassDecodeExec(String description, Counters counters, SparkPlan child) {
    super(child);
    this.description = description;
    this.counters = counters;
  }

  @Override
  public Map<String, SQLMetric> metrics() {
    return Scala.map(counters.metrics());
  }

  @Override
  public RDD<InternalRow> doExecute() {
    return child().execute();
  }

  @Override
  public Seq<Attribute> output() {
    return child().output();
  }

  @Override
  public SparkPlan withNewChildInternal(SparkPlan newChild) {
    return new LowpassDecodeExec(description, counters, newChild);
  }

  @Override
  public String argString(int maxFields) {
    return description;
  }

  @Override
  public int productArity() {
    return 3;
  }

  @Override
  public Object productElement(int n) {
    return switch (n) {
      case 0 -> description;
      case 1 -> counters;
      default -> child();
    };
  }
}
