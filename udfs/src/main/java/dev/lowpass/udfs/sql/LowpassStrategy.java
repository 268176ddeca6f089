package dev.lowpass.udfs.sql;

import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.SparkStrategy;
import scala.collection.immutable.Seq;

/** Plans {@link LowpassEval}. */
public final class LowpassStrategy extends SparkStrategy {
  @Override
  public Seq<SparkPlan> apply(LogicalPlan plan) {
    return plan instanceof LowpassEval eval
        ? Scala.seq(new LowpassEvalExec(eval.calls(), eval.results(), planLater(eval.child())))
        : Scala.seq();
  }
}
