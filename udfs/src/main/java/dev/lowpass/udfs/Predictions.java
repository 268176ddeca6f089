package dev.lowpass.udfs;

import dev.lowpass.pipeline.evaluation.suite.SuiteRow;
import dev.lowpass.udfs.sql.LowpassDecode;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.apache.spark.util.TaskCompletionListener;
import scala.reflect.ClassTag$;

/** Rows of suites, turned into rows of the {@link PredictionTable} by the executors' engines. */
public final class Predictions implements FlatMapFunction<Iterator<SuiteRow>, Row> {
  private final EvaluationRun run;
  private final Counters counters;
  private final Broadcast<SerializableConfiguration> hadoop;

  private Predictions(
      EvaluationRun run, Counters counters, Broadcast<SerializableConfiguration> hadoop) {
    this.run = run;
    this.counters = counters;
    this.hadoop = hadoop;
  }

  /**
   * The predictions of one policy, in {@code tasks} tasks. Nothing runs until they are written.
   * Policies come one after another: an executor keeps the engine of the last one only.
   */
  public static Dataset<Row> of(
      SparkSession session, List<SuiteRow> rows, EvaluationRun run, Counters counters, int tasks) {
    SparkContext spark = session.sparkContext();
    Broadcast<SerializableConfiguration> hadoop =
        spark.broadcast(
            new SerializableConfiguration(spark.hadoopConfiguration()),
            ClassTag$.MODULE$.apply(SerializableConfiguration.class));
    Dataset<Row> predictions =
        session.createDataFrame(
            new JavaSparkContext(spark)
                .parallelize(rows, tasks)
                .mapPartitions(new Predictions(run, counters, hadoop)),
            PredictionTable.SCHEMA);
    return LowpassDecode.show(predictions, "evaluate, " + run.policy().on(run.engine()), counters);
  }

  @Override
  public Iterator<Row> call(Iterator<SuiteRow> rows) {
    Configuration configuration = hadoop.value().value();
    TaskContext task = TaskContext.get();
    PredictionIterator predictions =
        new PredictionIterator(rows, run, counters, configuration, task);
    task.addTaskCompletionListener((TaskCompletionListener) ended -> predictions.close());
    return predictions;
  }
}
