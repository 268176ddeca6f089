package dev.lowpass.udfs;

import static org.apache.spark.sql.functions.broadcast;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.floor;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.log2;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.types.DataTypes.IntegerType;
import static org.apache.spark.sql.types.DataTypes.LongType;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.StructType;

/**
 * Divides documents into slices, one a task, whose rows are committed together. Slices hold about
 * the same number of tokens and are in the order of their documents' lengths, longest first: a long
 * document is not what everybody waits for in the end.
 *
 * <p>Documents are sorted into classes of lengths that differ by less than a fifth, and numbered
 * within their class: a slice is a run of such numbers. That takes one count over the input, no
 * global sort, and no list of documents on the driver; and it depends on ids and lengths alone, so
 * that a task that is run again has the same documents.
 *
 * @param documents most documents of a slice, what a killed task has to do again
 * @param parallel tasks that run at once
 */
public record Slices(int documents, int parallel) {
  /** So that the tasks of all cores end at about the same time. */
  private static final int TASKS_PER_CORE = 4;

  /** Bytes of UTF-8 a token, about. */
  private static final int BYTES_PER_TOKEN = 4;

  /** What each document costs besides its text, in tokens: the question, the answer, its start. */
  private static final int TOKENS_PER_DOCUMENT = 256;

  /** What a killed task loses, in tokens: a minute or so of a small machine's work. */
  private static final long MAX_TOKENS = 1 << 18;

  private static final int CLASSES_PER_OCTAVE = 4;

  private static final String COST = "lowpass_cost";
  private static final String CLASS = "lowpass_class";
  private static final String CLASS_RIGHT = "lowpass_class_";
  private static final String FIRST = "lowpass_first";
  private static final String EACH = "lowpass_each";
  private static final String SLICE = "lowpass_slice";

  /**
   * The documents, a slice a partition.
   *
   * @param id column of their ids
   * @param bytes their lengths, null for none
   */
  Dataset<Row> of(Dataset<Row> listing, String id, Column bytes) {
    Column cost =
        floor(coalesce(bytes.cast(LongType), lit(0L)).divide(BYTES_PER_TOKEN))
            .plus(TOKENS_PER_DOCUMENT);
    Dataset<Row> classified =
        listing
            .withColumn(COST, cost)
            .withColumn(
                CLASS, floor(log2(col(COST)).multiply(CLASSES_PER_OCTAVE)).cast(IntegerType));
    List<Row> histogram =
        classified
            .groupBy(CLASS)
            .agg(count(lit(1)).as("documents"), sum(COST).as("tokens"))
            .orderBy(col(CLASS).desc())
            .collectAsList();
    long documentsInAll = histogram.stream().mapToLong(row -> row.getLong(1)).sum();
    long tokensInAll = histogram.stream().mapToLong(row -> row.getLong(2)).sum();
    long tasks = (long) parallel * TASKS_PER_CORE;
    long mostDocuments = Math.max(1, Math.min(documents, documentsInAll / tasks));
    double mostTokens = Math.min(MAX_TOKENS, (double) tokensInAll / tasks);
    List<Row> plan = new ArrayList<>();
    int slices = 0;
    for (Row row : histogram) {
      double tokensEach = (double) row.getLong(2) / row.getLong(1);
      long each = Math.max(1, Math.min(mostDocuments, Math.round(mostTokens / tokensEach)));
      plan.add(RowFactory.create(row.getInt(0), slices, each));
      slices += Math.toIntExact((row.getLong(1) + each - 1) / each);
    }
    Column[] columns = Stream.of(listing.columns()).map(functions::col).toArray(Column[]::new);
    return divided(classified, id, plan, Math.max(1, slices)).select(columns);
  }

  private static Dataset<Row> divided(
      Dataset<Row> classified, String id, List<Row> plan, int slices) {
    SparkSession spark = classified.sparkSession();
    StructType schema =
        new StructType().add(CLASS_RIGHT, IntegerType).add(FIRST, IntegerType).add(EACH, LongType);
    Column rank = row_number().over(Window.partitionBy(CLASS).orderBy(id)).minus(1);
    // Input that changes meanwhile may be of a class that was not counted.
    Column slice =
        coalesce(col(FIRST).plus(floor(rank.divide(col(EACH)))).cast(IntegerType), lit(slices - 1));
    return classified
        .join(
            broadcast(spark.createDataFrame(plan, schema)),
            col(CLASS).equalTo(col(CLASS_RIGHT)),
            "left")
        .withColumn(SLICE, slice)
        .repartitionById(slices, col(SLICE))
        .sortWithinPartitions(col(COST).desc(), col(id));
  }
}
