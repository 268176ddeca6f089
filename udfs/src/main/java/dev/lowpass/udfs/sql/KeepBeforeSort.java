package dev.lowpass.udfs.sql;

import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.GlobalLimit;
import org.apache.spark.sql.catalyst.plans.logical.HasPartitionExpressions;
import org.apache.spark.sql.catalyst.plans.logical.LocalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.RebalancePartitions;
import org.apache.spark.sql.catalyst.plans.logical.RepartitionByExpression;
import org.apache.spark.sql.catalyst.plans.logical.RepartitionOperation;
import org.apache.spark.sql.catalyst.plans.logical.Sort;
import org.apache.spark.sql.catalyst.rules.Rule;
import scala.Option;

/**
 * Puts a shuffle between the model and a sort. To sort, Spark cuts its input into ranges, and to
 * find the ranges it evaluates the input once more than it would have to; what was shuffled it
 * reads again instead.
 */
public final class KeepBeforeSort extends Rule<LogicalPlan> {
  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    return keep(plan, /* limited= */ false);
  }

  /**
   * @param limited whether the plan's first rows are all that is taken: those are found without
   *     ranges
   */
  private static LogicalPlan keep(LogicalPlan plan, boolean limited) {
    LogicalPlan below = plan.mapChildren(child -> keep(child, plan instanceof LocalLimit));
    return !limited && sampled(below) && asksTheModel(below.children().head())
        ? below.withNewChildren(Scala.seq(shuffled(below.children().head())))
        : below;
  }

  private static boolean sampled(LogicalPlan plan) {
    return plan instanceof Sort sort
        ? sort.global()
        : plan instanceof RepartitionByExpression ranges
            && Scala.list(ranges.partitionExpressions()).stream()
                .anyMatch(by -> by instanceof SortOrder);
  }

  /** Whether evaluating a plan again would ask the model again. */
  private static boolean asksTheModel(LogicalPlan plan) {
    boolean shuffled =
        plan instanceof Aggregate
            || plan instanceof GlobalLimit
            || plan instanceof RepartitionOperation
            || plan instanceof HasPartitionExpressions
            || plan instanceof Sort sort && sort.global();
    return plan instanceof LowpassEval
        || !shuffled && Scala.list(plan.children()).stream().anyMatch(KeepBeforeSort::asksTheModel);
  }

  private static LogicalPlan shuffled(LogicalPlan plan) {
    return new RebalancePartitions(Scala.<Expression>seq(), plan, Option.empty(), Option.empty());
  }
}
