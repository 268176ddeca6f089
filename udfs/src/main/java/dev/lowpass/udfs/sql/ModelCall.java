package dev.lowpass.udfs.sql;

import dev.lowpass.udfs.ModelFunction;
import java.io.Serializable;
import java.util.stream.Collectors;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.analysis.TypeCheckResult;
import org.apache.spark.sql.catalyst.expressions.ExpectsInputTypes;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Unevaluable;
import org.apache.spark.sql.catalyst.expressions.codegen.CodegenContext;
import org.apache.spark.sql.catalyst.expressions.codegen.ExprCode;
import org.apache.spark.sql.types.AbstractDataType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/**
 * A model's function of a text, as it stands in an expression. It is never evaluated there: {@link
 * ExtractModelCalls} moves it into a {@link LowpassEval}, which asks the model for many rows at
 * once.
 */
public final class ModelCall extends Expression
    implements Unevaluable, ExpectsInputTypes, Serializable {
  private final ModelFunction function;
  private final Expression text;

  public ModelCall(ModelFunction function, Expression text) {
    this.function = function;
    this.text = text;
  }

  ModelFunction function() {
    return function;
  }

  Expression text() {
    return text;
  }

  ModelCall of(Expression other) {
    return new ModelCall(function, other);
  }

  /** Calls as they are shown in plans. */
  static String show(Seq<ModelCall> calls) {
    return Scala.list(calls).stream()
        .map(ModelCall::toString)
        .collect(Collectors.joining(", ", "[", "]"));
  }

  @Override
  public DataType dataType() {
    return function.type();
  }

  @Override
  public boolean nullable() {
    return true;
  }

  @Override
  public Seq<Expression> children() {
    return Scala.seq(text);
  }

  @Override
  public Expression withNewChildrenInternal(IndexedSeq<Expression> children) {
    return of(children.head());
  }

  @Override
  public Seq<AbstractDataType> inputTypes() {
    return Scala.seq(DataTypes.StringType);
  }

  @Override
  public TypeCheckResult checkInputDataTypes() {
    return ExpectsInputTypes.super.checkInputDataTypes();
  }

  @Override
  public Object eval(InternalRow row) {
    return Unevaluable.super.eval(row);
  }

  @Override
  public ExprCode doGenCode(CodegenContext context, ExprCode code) {
    return Unevaluable.super.doGenCode(context, code);
  }

  @Override
  public boolean foldable() {
    return false;
  }

  @Override
  public String prettyName() {
    return function.name();
  }

  @Override
  public String sql() {
    return prettyName() + "(" + text.sql() + ")";
  }

  @Override
  public String toString() {
    return prettyName() + "(" + text + ")";
  }

  @Override
  public int productArity() {
    return 2;
  }

  @Override
  public Object productElement(int n) {
    return n == 0 ? function : text;
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof ModelCall;
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
