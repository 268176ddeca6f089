package dev.lowpass.udfs;

import static org.apache.spark.sql.functions.call_function;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;

import dev.lowpass.udfs.sql.SqlFunction;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * The SQL functions as transforms of datasets, in a session with {@link LowpassExtensions}: {@code
 * Lowpass.on(contracts).text("body").extract(schema)} is {@code contracts} with a column {@code
 * fields}.
 */
public final class Lowpass {
  private final Dataset<Row> rows;
  private final Column text;

  private Lowpass(Dataset<Row> rows, Column text) {
    this.rows = rows;
    this.text = text;
  }

  /** Transforms of a dataset that has its text in a column {@code text}. */
  public static Lowpass on(Dataset<Row> rows) {
    return new Lowpass(rows, col("text"));
  }

  /** The same with the text in another column. */
  public Lowpass text(String column) {
    return text(col(column));
  }

  /** The same with a text that is computed. */
  public Lowpass text(Column column) {
    return new Lowpass(rows, column);
  }

  /** Adds a column {@code summary}. */
  public Dataset<Row> summarize() {
    return with("summary", SqlFunction.SUMMARIZE);
  }

  /**
   * The same.
   *
   * @param instruction what to ask of each text
   */
  public Dataset<Row> summarize(String instruction) {
    return with("summary", SqlFunction.SUMMARIZE, lit(instruction));
  }

  /**
   * Adds a column {@code fields}, a struct of the schema's properties.
   *
   * @param schema a JSON Schema: its text, or its file
   */
  public Dataset<Row> extract(String schema) {
    return with("fields", SqlFunction.EXTRACT, lit(schema));
  }

  /** Adds a column {@code completion}: the texts are prompts. */
  public Dataset<Row> generate() {
    return with("completion", SqlFunction.GENERATE);
  }

  /** Adds a column {@code completion}: what the model answers to a prompt. */
  public Dataset<Row> generate(Column prompt) {
    return text(prompt).generate();
  }

  /** Adds a column {@code tokens}: how many the text has. */
  public Dataset<Row> countTokens() {
    return with("tokens", SqlFunction.COUNT_TOKENS);
  }

  /** Adds a column {@code chunks}: the text in overlapping pieces of so many tokens. */
  public Dataset<Row> chunks(int tokens, int overlap) {
    return with("chunks", SqlFunction.CHUNKS, lit(tokens), lit(overlap));
  }

  private Dataset<Row> with(String name, SqlFunction function, Column... more) {
    Column[] arguments = new Column[more.length + 1];
    arguments[0] = text;
    System.arraycopy(more, 0, arguments, 1, more.length);
    return rows.withColumn(name, call_function(function.sqlName(), arguments));
  }
}
