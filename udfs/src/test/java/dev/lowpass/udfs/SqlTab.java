package dev.lowpass.udfs;

import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.ui.SQLAppStatusStore;
import org.apache.spark.sql.execution.ui.SQLExecutionUIData;
import org.apache.spark.sql.execution.ui.SparkPlanGraphNode;
import scala.jdk.javaapi.CollectionConverters;

/** What the SQL tab of Spark's UI shows, which is there without the UI too. */
public final class SqlTab {
  private SqlTab() {}

  /**
   * The metrics of an operator, by name, as people read them: of the last query that has it.
   *
   * @param operator its name
   */
  public static Map<String, String> metrics(SparkSession session, String operator)
      throws Exception {
    org.apache.spark.sql.classic.SparkSession spark =
        (org.apache.spark.sql.classic.SparkSession) session;
    spark.sparkContext().listenerBus().waitUntilEmpty();
    SQLAppStatusStore store = spark.sharedState().statusStore();
    Map<String, String> shown = new HashMap<>();
    for (SQLExecutionUIData query : CollectionConverters.asJava(store.executionsList())) {
      for (SparkPlanGraphNode node :
          CollectionConverters.asJava(store.planGraph(query.executionId()).allNodes())) {
        if (node.name().equals(operator)) {
          Map<Object, String> values =
              CollectionConverters.asJava(store.executionMetrics(query.executionId()));
          CollectionConverters.asJava(node.metrics())
              .forEach(
                  metric ->
                      shown.put(metric.name(), values.getOrDefault(metric.accumulatorId(), "")));
        }
      }
    }
    return shown;
  }
}
