package dev.lowpass.udfs.sql;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.SparkStrategy;
import scala.collection.immutable.Seq;

/** Plans {@link LowpassEval} and {@link LowpassDecode}. */
public final class LowpassStrategy extends SparkStrategy {
  /** Has a session plan them that was started without the extension. */
  static synchronized void addTo(SparkSession session) {
    List<SparkStrategy> strategies =
        new ArrayList<>(Scala.list(session.experimental().extraStrategies()));
    if (strategies.stream().noneMatch(LowpassStrategy.class::isInstance)) {
      strategies.add(new LowpassStrategy());
      session.experimental().extraStrategies_$eq(Scala.seq(strategies));
    }
  }

  @Override
  public Seq<SparkPlan> apply(LogicalPlan plan) {
    if (plan instanceof LowpassEval eval) {
      return Scala.seq(new LowpassEvalExec(eval.calls(), eval.results(), planLater(eval.child())));
    }
    return plan instanceof LowpassDecode decode
        ? Scala.seq(
            new LowpassDecodeExec(
                decode.description(), decode.counters(), planLater(decode.child())))
        : Scala.seq();
  }
}
