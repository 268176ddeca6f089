package dev.lowpass.udfs.sql;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.CaseWhen;
import org.apache.spark.sql.catalyst.expressions.Coalesce;
import org.apache.spark.sql.catalyst.expressions.EqualNullSafe;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.If;
import org.apache.spark.sql.catalyst.expressions.IsNull;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.Not;
import org.apache.spark.sql.catalyst.expressions.Or;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.types.DataTypes;

/**
 * Keeps the model from being asked for what a query's conditions make needless: a {@link
 * LowpassEval} below an operator has no conditions but those that the text itself carries.
 */
final class Conditions {
  private Conditions() {}

  /** The same filter, with what takes no model below. */
  static LogicalPlan callsLast(Filter filter) {
    List<Expression> conjuncts = new ArrayList<>();
    split(filter.condition(), conjuncts);
    LogicalPlan input = filter.child();
    Expression with = null;
    Expression without = null;
    for (Expression conjunct : conjuncts) {
      if (ExtractModelCalls.hasCall(conjunct)) {
        with = and(with, guarded(conjunct));
      } else {
        without = and(without, conjunct);
      }
    }
    return new Filter(with, without == null ? input : new Filter(without, input));
  }

  /** The parts of a condition that all have to hold. */
  static void split(Expression condition, List<Expression> conjuncts) {
    if (condition instanceof And and) {
      split(and.left(), conjuncts);
      split(and.right(), conjuncts);
    } else {
      conjuncts.add(condition);
    }
  }

  /** Both conditions, of which the first may be null: none. */
  static Expression and(Expression first, Expression second) {
    return first == null ? second : new And(first, second);
  }

  /**
   * The same expression, in which a call that stands in a branch has a null text, which costs
   * nothing, where the branch is not taken.
   */
  static Expression guarded(Expression expression) {
    return ExtractModelCalls.hasCall(expression) ? guarded(expression, null) : expression;
  }

  /**
   * @param guard when the expression's value is wanted; null for always
   */
  private static Expression guarded(Expression expression, Expression guard) {
    if (expression instanceof ModelCall call) {
      Expression text = guarded(call.text(), guard);
      return call.of(
          guard == null
              ? text
              : new If(guard, text, Literal.create(/* v= */ null, text.dataType())));
    }
    if (expression instanceof If choice) {
      Expression condition = guarded(choice.predicate(), guard);
      return new If(
          condition,
          guarded(choice.trueValue(), when(guard, condition)),
          guarded(choice.falseValue(), when(guard, isNot(condition, true))));
    }
    if (expression instanceof CaseWhen || expression instanceof Coalesce) {
      return inOrder(expression, guard);
    }
    if (expression instanceof And || expression instanceof Or) {
      boolean decided = expression instanceof Or;
      Expression first = guarded(expression.children().head(), guard);
      Expression second = expression.children().apply(1);
      return expression.withNewChildren(
          Scala.seq(first, guarded(second, when(guard, isNot(first, decided)))));
    }
    return expression.mapChildren(child -> guarded(child, guard));
  }

  /** Of conditions and values one after the other, or values alone, up to the one that counts. */
  private static Expression inOrder(Expression expression, Expression guard) {
    boolean pairs = expression instanceof CaseWhen;
    List<Expression> children = new ArrayList<>();
    Expression reached = guard;
    for (Expression child : Scala.list(expression.children())) {
      boolean value = pairs && children.size() % 2 == 1;
      if (value) {
        Expression condition = children.get(children.size() - 1);
        children.add(guarded(child, when(reached, condition)));
        reached = when(reached, isNot(condition, true));
      } else {
        children.add(guarded(child, reached));
        reached = pairs ? reached : when(reached, new IsNull(children.get(children.size() - 1)));
      }
    }
    return expression.withNewChildren(Scala.seq(children));
  }

  /** A guard with one more condition, unless that may be another when it is looked at again. */
  private static Expression when(Expression guard, Expression condition) {
    return condition.deterministic() ? and(guard, condition) : guard;
  }

  /** Whether a condition is something else, null included. */
  private static Expression isNot(Expression condition, boolean value) {
    return new Not(new EqualNullSafe(condition, Literal.create(value, DataTypes.BooleanType)));
  }
}
