package dev.lowpass.udfs.sql;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import scala.Option;

/** Calls over what an aggregation gives: they come after it. */
final class AggregateCalls {
  private final List<Expression> grouping;
  private final List<NamedExpression> aggregated = new ArrayList<>();

  private AggregateCalls(Aggregate aggregate) {
    this.grouping = Scala.list(aggregate.groupingExpressions());
  }

  /**
   * The same with calls over groups above it, as a {@code Project}; the aggregation itself where it
   * has none, but in its keys and in what its functions take.
   */
  static LogicalPlan liftedFrom(Aggregate aggregate) {
    AggregateCalls calls = new AggregateCalls(aggregate);
    List<NamedExpression> outputs = Scala.list(aggregate.aggregateExpressions());
    if (outputs.stream().noneMatch(output -> calls.hasCallOverGroup((Expression) output))) {
      return aggregate;
    }
    List<NamedExpression> above = new ArrayList<>();
    for (NamedExpression output : outputs) {
      if (calls.hasCallOverGroup((Expression) output)) {
        above.add((NamedExpression) calls.overResults((Expression) output));
      } else {
        calls.aggregated.add(output);
        above.add(output.toAttribute());
      }
    }
    return new Project(
        Scala.seq(above),
        aggregate.copy(
            aggregate.groupingExpressions(),
            Scala.seq(calls.aggregated),
            aggregate.child(),
            aggregate.hint()));
  }

  /** Whether the aggregation itself gives a value. */
  private boolean given(Expression expression) {
    return expression instanceof AggregateExpression
        || grouping.stream().anyMatch(key -> key.semanticEquals(expression));
  }

  private boolean hasCallOverGroup(Expression expression) {
    return !given(expression)
        && (expression instanceof ModelCall
            || Scala.list(expression.children()).stream().anyMatch(this::hasCallOverGroup));
  }

  /** An expression over the aggregation's columns, which it adds as need be. */
  private Expression overResults(Expression expression) {
    if (!given(expression)) {
      return expression.mapChildren(this::overResults);
    }
    NamedExpression column =
        expression instanceof NamedExpression named
            ? named
            : new Alias(
                expression,
                "aggregated",
                NamedExpression.newExprId(),
                Scala.seq(),
                Option.empty(),
                Scala.seq());
    aggregated.add(column);
    return column.toAttribute();
  }
}
