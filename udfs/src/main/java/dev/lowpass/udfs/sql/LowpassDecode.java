package dev.lowpass.udfs.sql;

import dev.lowpass.udfs.Counters;
import java.io.Serializable;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.Dataset;
import org.apache.spark.sql.classic.SparkSession;
import scala.collection.immutable.Seq;

/**
 * The rows that a batch job's documents have become, as they are. What it adds is a place in the
 * plan: there Spark's UI shows {@link Counters}, which the tasks below it count with.
 */
public final class LowpassDecode extends OneChildNode implements Serializable {
  private final String description;
  private final Counters counters;

  /** Public for Spark, which copies plans; {@link #show} makes the first one. */
  public LowpassDecode(String description, Counters counters, LogicalPlan child) {
    super(child);
    this.description = description;
    this.counters = counters;
  }

  /**
   * The same rows, whose plan shows the counters, in any session.
   *
   * @param description what the documents were asked and how, for people
   * @param counters those that make the rows, and nothing else, count with
   */
  public static Dataset<Row> show(
      org.apache.spark.sql.Dataset<Row> rows, String description, Counters counters) {
    Dataset<Row> counted = (Dataset<Row>) rows;
    SparkSession session = counted.sparkSession();
    LowpassStrategy.addTo(session);
    return Dataset.ofRows(session, new LowpassDecode(description, counters, counted.logicalPlan()));
  }

  String description() {
    return description;
  }

  Counters counters() {
    return counters;
  }

  @Override
  public Seq<Attribute> output() {
    return child().output();
  }

  @Override
  public LogicalPlan withNewChildInternal(LogicalPlan newChild) {
    return new LowpassDecode(description, counters, newChild);
  }

  @Override
  public String argString(int maxFields) {
    return description;
  }

  @Override
  public int productArity() {
    return 3;
  }

  @Override
  public Object productElement(int n) {
    return switch (n) {
      case 0 -> description;
      case 1 -> counters;
      default -> child();
    };
  }
}
