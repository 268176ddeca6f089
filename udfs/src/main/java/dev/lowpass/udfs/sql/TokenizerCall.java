package dev.lowpass.udfs.sql;

import dev.lowpass.udfs.TokenizerSpec;
import java.io.Serializable;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.analysis.TypeCheckResult;
import org.apache.spark.sql.catalyst.expressions.ExpectsInputTypes;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.codegen.CodegenContext;
import org.apache.spark.sql.catalyst.expressions.codegen.ExprCode;
import org.apache.spark.sql.catalyst.expressions.objects.Invoke;
import org.apache.spark.sql.types.AbstractDataType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/**
 * A function of a text that takes the model's tokenizer and no model: an expression like Spark's
 * own, evaluated row by row, compiled where Spark compiles.
 */
public final class TokenizerCall extends Expression implements ExpectsInputTypes, Serializable {
  /** Which function. */
  enum Kind {
    COUNT("count", DataTypes.IntegerType),
    CHUNKS("chunks", DataTypes.createArrayType(DataTypes.StringType, /* containsNull= */ false));

    /** Of {@link TokenizerSpec}. */
    private final String method;

    private final DataType type;

    Kind(String method, DataType type) {
      this.method = method;
      this.type = type;
    }
  }

  private final Kind kind;
  private final String name;
  private final TokenizerSpec tokenizer;
  private final Seq<Expression> arguments;

  /**
   * @param name as SQL has it
   */
  public TokenizerCall(Kind kind, String name, TokenizerSpec tokenizer, Seq<Expression> arguments) {
    this.kind = kind;
    this.name = name;
    this.tokenizer = tokenizer;
    this.arguments = arguments;
  }

  /** The method's call, which gives null where an argument is null. */
  private Expression invocation() {
    return new Invoke(
        Literal.fromObject(tokenizer),
        kind.method,
        kind.type,
        arguments,
        Scala.seq(),
        /* propagateNull= */ true,
        /* returnNullable= */ false,
        /* isDeterministic= */ true);
  }

  @Override
  public DataType dataType() {
    return kind.type;
  }

  @Override
  public boolean nullable() {
    return Scala.list(arguments).stream().anyMatch(Expression::nullable);
  }

  @Override
  public boolean nullIntolerant() {
    return true;
  }

  @Override
  public Seq<Expression> children() {
    return arguments;
  }

  @Override
  public Expression withNewChildrenInternal(IndexedSeq<Expression> children) {
    return new TokenizerCall(kind, name, tokenizer, children);
  }

  @Override
  public Seq<AbstractDataType> inputTypes() {
    return kind == Kind.COUNT
        ? Scala.seq(DataTypes.StringType)
        : Scala.seq(DataTypes.StringType, DataTypes.IntegerType, DataTypes.IntegerType);
  }

  @Override
  public TypeCheckResult checkInputDataTypes() {
    return ExpectsInputTypes.super.checkInputDataTypes();
  }

  @Override
  public Object eval(InternalRow row) {
    return invocation().eval(row);
  }

  @Override
  public ExprCode doGenCode(CodegenContext context, ExprCode code) {
    return invocation().doGenCode(context, code);
  }

  @Override
  public String prettyName() {
    return name;
  }

  @Override
  public String sql() {
    return prettyName() + arguments.map(Expression::sql).mkString("(", ", ", ")");
  }

  @Override
  public String toString() {
    return prettyName() + arguments.mkString("(", ", ", ")");
  }

  @Override
  public int productArity() {
    return 4;
  }

  @Override
  public Object productElement(int n) {
    return switch (n) {
      case 0 -> kind;
      case 1 -> name;
      case 2 -> tokenizer;
      default -> arguments;
    };
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof TokenizerCall;
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
