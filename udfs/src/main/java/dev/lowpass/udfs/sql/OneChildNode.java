package dev.lowpass.udfs.sql;

import org.apache.spark.sql.catalyst.expressions.ExpressionSet;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.UnaryNode;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/** A logical node over one other: what a case class and Spark's trait give one in Scala. */
abstract class OneChildNode extends LogicalPlan implements UnaryNode {
  private final LogicalPlan child;

  OneChildNode(LogicalPlan child) {
    this.child = child;
  }

  @Override
  public LogicalPlan child() {
    return child;
  }

  @Override
  public Seq<LogicalPlan> children() {
    return Scala.seq(child);
  }

  @Override
  public LogicalPlan withNewChildrenInternal(IndexedSeq<LogicalPlan> children) {
    return withNewChildInternal(children.head());
  }

  @Override
  public ExpressionSet validConstraints() {
    return UnaryNode.super.validConstraints();
  }

  @Override
  public boolean canEqual(Object other) {
    return getClass().isInstance(other);
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
