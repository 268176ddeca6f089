package dev.lowpass.udfs.sql;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.ExprId;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.plans.logical.GlobalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LocalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.Sort;
import org.apache.spark.sql.catalyst.rules.Rule;

/**
 * Of a query with a {@code LIMIT} the model answers for no more rows than the limit leaves, the
 * first of an {@code ORDER BY} included where the order is not one of answers.
 */
public final class LimitLowpassEval extends Rule<LogicalPlan> {
  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    LogicalPlan below = null;
    if (plan instanceof GlobalLimit global && global.child() instanceof LocalLimit local) {
      below = below(input -> limit(global, local, input), local.child(), null);
    } else if (plan instanceof LocalLimit local) {
      below = below(input -> local.withNewChildren(Scala.seq(input)), local.child(), null);
    }
    return (below == null ? plan : below).mapChildren(this::apply);
  }

  private static LogicalPlan limit(GlobalLimit global, LocalLimit local, LogicalPlan input) {
    return global.withNewChildren(Scala.seq(local.withNewChildren(Scala.seq(input))));
  }

  /**
   * The plan with its limit below the evaluations that it begins with; null where it begins with
   * none.
   *
   * @param limit takes the first rows of its input
   * @param sort the order in which they are the first; null for any
   */
  private static LogicalPlan below(UnaryOperator<LogicalPlan> limit, LogicalPlan plan, Sort sort) {
    if (plan instanceof LowpassEval eval
        && (sort == null || sort.references().intersect(eval.resultSet()).isEmpty())) {
      LogicalPlan deeper = below(limit, eval.child(), sort);
      LogicalPlan first =
          deeper != null
              ? deeper
              : limit.apply(
                  sort == null ? eval.child() : sort.withNewChildren(Scala.seq(eval.child())));
      return eval.withNewChildInternal(first);
    }
    if (plan instanceof Project project
        && Scala.list(project.projectList()).stream()
            .allMatch(item -> ((Expression) item).deterministic())) {
      LogicalPlan deeper =
          below(limit, project.child(), sort == null ? null : beforeProject(sort, project));
      return deeper == null ? null : project.withNewChildren(Scala.seq(deeper));
    }
    if (plan instanceof Sort order && order.global() && sort == null) {
      return below(limit, order.child(), order);
    }
    return null;
  }

  /** The same order, by the columns that a projection takes. */
  private static Sort beforeProject(Sort sort, Project project) {
    Map<ExprId, Expression> aliases = new HashMap<>();
    for (NamedExpression item : Scala.list(project.projectList())) {
      if (item instanceof Alias alias) {
        aliases.put(alias.exprId(), alias.child());
      }
    }
    List<SortOrder> order =
        Scala.list(sort.order()).stream().map(by -> (SortOrder) substituted(by, aliases)).toList();
    return sort.copy(Scala.seq(order), sort.global(), sort.child(), sort.hint());
  }

  private static Expression substituted(Expression expression, Map<ExprId, Expression> aliases) {
    if (expression instanceof Attribute attribute && aliases.containsKey(attribute.exprId())) {
      return aliases.get(attribute.exprId());
    }
    return expression.mapChildren(child -> substituted(child, aliases));
  }
}
