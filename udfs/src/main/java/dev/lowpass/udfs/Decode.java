package dev.lowpass.udfs;

import java.util.Iterator;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;
import org.apache.spark.util.TaskCompletionListener;

/**
 * Turns rows of a {@link Corpus} into rows of the {@link OutputTable}. What is wrong with a
 * document ends in its row; only a model or a device that cannot be used fails the task.
 */
final class Decode implements MapPartitionsFunction<Row, Row> {
  private final Run run;
  private final StructType kept;
  private final DocumentFormat format;
  private final Counters counters;
  private final Broadcast<SerializableConfiguration> hadoop;

  Decode(
      Run run,
      StructType kept,
      DocumentFormat format,
      Counters counters,
      Broadcast<SerializableConfiguration> hadoop) {
    this.run = run;
    this.kept = kept;
    this.format = format;
    this.counters = counters;
    this.hadoop = hadoop;
  }

  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    Configuration configuration = hadoop.value().value();
    TaskContext task = TaskContext.get();
    DecodingIterator decoded =
        new DecodingIterator(
            rows,
            run,
            new OutputTable(run, kept),
            counters,
            new DocumentReader(format, kept.size(), configuration),
            task,
            () -> Engines.get(run.engine(), configuration));
    task.addTaskCompletionListener((TaskCompletionListener) ended -> decoded.close());
    return decoded;
  }
}
