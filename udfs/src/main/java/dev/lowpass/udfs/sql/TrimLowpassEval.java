package dev.lowpass.udfs.sql;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.rules.Rule;

/**
 * What Spark's own optimizer does with operators that it knows: filters that do not need the
 * model's answers go before it, and answers that nobody reads are not asked for.
 */
public final class TrimLowpassEval extends Rule<LogicalPlan> {
  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    LogicalPlan trimmed = plan;
    if (plan instanceof Filter filter && filter.child() instanceof LowpassEval eval) {
      trimmed = filterBefore(filter, eval);
    } else if (plan instanceof Project project) {
      trimmed = project.withNewChildren(Scala.seq(unread(project.child(), project.references())));
    }
    return trimmed.mapChildren(this::apply);
  }

  private static LogicalPlan filterBefore(Filter filter, LowpassEval eval) {
    List<Expression> conjuncts = new ArrayList<>();
    Conditions.split(filter.condition(), conjuncts);
    Expression before = null;
    Expression after = null;
    for (Expression conjunct : conjuncts) {
      boolean free =
          conjunct.deterministic() && conjunct.references().subsetOf(eval.child().outputSet());
      before = free ? Conditions.and(before, conjunct) : before;
      after = free ? after : Conditions.and(after, conjunct);
    }
    if (before == null) {
      return filter;
    }
    LogicalPlan fewer = eval.withNewChildInternal(new Filter(before, eval.child()));
    return after == null ? fewer : new Filter(after, fewer);
  }

  /** A plan, filters on top, without the answers that are not read. */
  private static LogicalPlan unread(LogicalPlan plan, AttributeSet read) {
    if (plan instanceof Filter filter) {
      return filter.withNewChildren(
          Scala.seq(unread(filter.child(), read.$plus$plus(filter.condition().references()))));
    }
    if (!(plan instanceof LowpassEval eval)) {
      return plan;
    }
    List<ModelCall> calls = new ArrayList<>();
    List<Attribute> results = new ArrayList<>();
    for (int i = 0; i < eval.calls().size(); i++) {
      if (read.contains(eval.results().apply(i))) {
        calls.add(eval.calls().apply(i));
        results.add(eval.results().apply(i));
      }
    }
    if (calls.size() == eval.calls().size()) {
      return eval;
    }
    return calls.isEmpty()
        ? eval.child()
        : new LowpassEval(Scala.seq(calls), Scala.seq(results), eval.child());
  }
}
