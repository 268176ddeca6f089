package dev.lowpass.udfs.sql;

import dev.lowpass.udfs.Counters;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.plans.physical.Partitioning;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.UnaryExecNode;
import org.apache.spark.sql.execution.metric.SQLMetric;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Map;
import scala.collection.immutable.Seq;

/** The physical {@link LowpassDecode}: its counters are its metrics. */
public final class LowpassDecodeExec extends SparkPlan implements UnaryExecNode {
  private final String description;
  private final Counters counters;
  private final SparkPlan child;

  public LowpassDecodeExec(String description, Counters counters, SparkPlan child) {
    this.description = description;
    this.counters = counters;
    this.child = child;
  }

  @Override
  public Map<String, SQLMetric> metrics() {
    return Scala.map(counters.metrics());
  }

  @Override
  public RDD<InternalRow> doExecute() {
    return child.execute();
  }

  @Override
  public SparkPlan child() {
    return child;
  }

  @Override
  public Seq<Attribute> output() {
    return child.output();
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
    return new LowpassDecodeExec(description, counters, newChild);
  }

  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> children) {
    return withNewChildInternal(children.head());
  }

  @Override
  public String argString(int maxFields) {
    return description;
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
      case 0 -> description;
      case 1 -> counters;
      default -> child;
    };
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof LowpassDecodeExec;
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
