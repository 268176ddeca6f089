package dev.lowpass.udfs;

import java.io.Serializable;
import org.apache.spark.sql.types.DataType;

/**
 * A function of a text that the model computes. Travels to the executors.
 *
 * @param name as SQL has it
 */
public record ModelFunction(
    String name, DocumentTask task, Generation generation, FunctionSettings settings)
    implements Serializable {

  /** The type of its values: a string, or what the schema of an extraction says. */
  public DataType type() {
    return AnswerColumns.of(task).columns().fields()[0].dataType();
  }
}
