package dev.lowpass.udfs.sql;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.SupportsNonDeterministicExpression;
import org.apache.spark.sql.types.Metadata;
import scala.Option;
import scala.collection.immutable.Seq;

/** Its input's rows in their order, each with the values of some {@link ModelCall}s. */
public final class LowpassEval extends OneChildNode
    implements SupportsNonDeterministicExpression, Serializable {
  private final Seq<ModelCall> calls;
  private final Seq<Attribute> results;

  /**
   * @param calls of the same settings; none has another in its text
   * @param results the column of each
   */
  public LowpassEval(Seq<ModelCall> calls, Seq<Attribute> results, LogicalPlan child) {
    super(child);
    this.calls = calls;
    this.results = results;
  }

  /** Evaluates calls into new columns. */
  static LowpassEval of(List<ModelCall> calls, LogicalPlan child) {
    List<Attribute> results = new ArrayList<>();
    for (ModelCall call : calls) {
      results.add(
          new AttributeReference(
              call.function().name(),
              call.dataType(),
              /* nullable= */ true,
              Metadata.empty(),
              NamedExpression.newExprId(),
              Scala.seq()));
    }
    return new LowpassEval(Scala.seq(calls), Scala.seq(results), child);
  }

  Seq<ModelCall> calls() {
    return calls;
  }

  Seq<Attribute> results() {
    return results;
  }

  /** The columns of the results, as a set. */
  AttributeSet resultSet() {
    return Scala.set(results);
  }

  @Override
  public Seq<Attribute> output() {
    return Scala.concat(child().output(), results);
  }

  @Override
  public AttributeSet producedAttributes() {
    return resultSet();
  }

  @Override
  public Option<Object> maxRows() {
    return child().maxRows();
  }

  @Override
  public Option<Object> maxRowsPerPartition() {
    return child().maxRowsPerPartition();
  }

  @Override
  public boolean allowNonDeterministicExpression() {
    return true;
  }

  @Override
  public LogicalPlan withNewChildInternal(LogicalPlan newChild) {
    return new LowpassEval(calls, results, newChild);
  }

  @Override
  public String argString(int maxFields) {
    return ModelCall.show(calls) + ", " + results.mkString("[", ", ", "]");
  }

  @Override
  public int productArity() {
    return 3;
  }

  @Override
  public Object productElement(int n) {
    return switch (n) {
      case 0 -> calls;
      case 1 -> results;
      default -> child();
    };
  }
}
