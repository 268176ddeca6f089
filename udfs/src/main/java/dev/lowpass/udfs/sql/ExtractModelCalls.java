package dev.lowpass.udfs.sql;

import dev.lowpass.udfs.FunctionSettings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedLambdaVariable;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.rules.Rule;

/**
 * Takes each {@link ModelCall} out of the expression that it stands in, into a {@link LowpassEval}
 * below the operator: as Spark does with Python's functions ({@code ExtractPythonUDFs}), but at the
 * end of the analysis, so that no rule of the optimizer can copy a call before it has its one
 * place. Calls that are the same are one; calls inside of calls go first.
 */
public final class ExtractModelCalls extends Rule<LogicalPlan> {
  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    if (plan.analyzed()) {
      return plan;
    }
    LogicalPlan below = plan.mapChildren(this::apply);
    boolean calls =
        !(below instanceof LowpassEval)
            && below.resolved()
            && Scala.list(below.expressions()).stream().anyMatch(ExtractModelCalls::hasCall);
    return calls ? extract(below) : below;
  }

  /** Whether an expression has a call in it. */
  static boolean hasCall(Expression expression) {
    return expression.exists(part -> part instanceof ModelCall);
  }

  private static LogicalPlan extract(LogicalPlan plan) {
    if (plan instanceof Aggregate aggregate) {
      LogicalPlan split = AggregateCalls.liftedFrom(aggregate);
      return split instanceof Project lifted
          ? place(lifted.withNewChildren(Scala.seq(place(lifted.child()))))
          : place(aggregate);
    }
    if (plan instanceof Filter filter) {
      return place(Conditions.callsLast(filter));
    }
    return place(plan instanceof Project ? plan.mapExpressions(Conditions::guarded) : plan);
  }

  /** Puts the calls of an operator's expressions below it. */
  private static LogicalPlan place(LogicalPlan operator) {
    LogicalPlan plan = operator;
    for (List<ModelCall> calls = innermost(plan); !calls.isEmpty(); calls = innermost(plan)) {
      plan = place(calls, plan);
    }
    // Operators that pass their input on would pass the results on too.
    return plan.output().equals(operator.output())
        ? plan
        : new Project(Scala.seq(Scala.list(operator.output())), plan);
  }

  private static LogicalPlan place(List<ModelCall> calls, LogicalPlan operator) {
    Map<Expression, Attribute> results = new LinkedHashMap<>();
    List<LogicalPlan> children = new ArrayList<>();
    List<ModelCall> left = new ArrayList<>(calls);
    for (LogicalPlan child : Scala.list(operator.children())) {
      Map<FunctionSettings, List<ModelCall>> mine = new LinkedHashMap<>();
      for (ModelCall call : List.copyOf(left)) {
        if (call.references().subsetOf(child.outputSet())) {
          mine.computeIfAbsent(call.function().settings(), key -> new ArrayList<>()).add(call);
          left.remove(call);
        }
      }
      LogicalPlan input = child;
      for (List<ModelCall> together : mine.values()) {
        LowpassEval eval = LowpassEval.of(together, input);
        for (int i = 0; i < together.size(); i++) {
          results.put(key(together.get(i)), eval.results().apply(i));
        }
        input = eval;
      }
      children.add(input);
    }
    if (!left.isEmpty()) {
      throw QueryErrors.unsupported(
          left.get(0).function().name(),
          "in %s it takes columns of more than one input; call it before or after"
              .formatted(operator.nodeName()));
    }
    return operator
        .mapExpressions(expression -> replaced(expression, results))
        .withNewChildren(Scala.seq(children));
  }

  /** The calls that have no other call in their text, each once. */
  private static List<ModelCall> innermost(LogicalPlan plan) {
    Map<Expression, ModelCall> calls = new LinkedHashMap<>();
    Scala.list(plan.expressions()).forEach(expression -> collect(expression, calls));
    return List.copyOf(calls.values());
  }

  private static void collect(Expression expression, Map<Expression, ModelCall> calls) {
    if (expression instanceof ModelCall call && !hasCall(call.text())) {
      if (call.exists(part -> part instanceof NamedLambdaVariable)) {
        throw QueryErrors.unsupported(
            call.function().name(),
            "it cannot be called for each element inside of an expression; explode the array into"
                + " rows first");
      }
      calls.putIfAbsent(key(call), call);
    } else {
      Scala.list(expression.children()).forEach(child -> collect(child, calls));
    }
  }

  /** Equal for calls that have the same value. */
  private static Expression key(ModelCall call) {
    return call.deterministic() ? call.canonicalized() : call;
  }

  private static Expression replaced(Expression expression, Map<Expression, Attribute> results) {
    if (expression instanceof ModelCall call && results.containsKey(key(call))) {
      return (Expression) results.get(key(call));
    }
    return expression.mapChildren(child -> replaced(child, results));
  }
}
