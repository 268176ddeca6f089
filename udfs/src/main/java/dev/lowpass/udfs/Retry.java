package dev.lowpass.udfs;

import static org.apache.spark.sql.functions.broadcast;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.types.DataTypes.IntegerType;
import static org.apache.spark.sql.types.DataTypes.StringType;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.StructType;

/**
 * The failed documents of a table, to be done again. A file that holds some is written anew, with
 * its other rows as they are: so one file stands for the other at every moment, and no document is
 * in the table twice or not at all.
 */
public final class Retry {
  private static final String FILE = "lowpass_file";
  private static final String PLACE = "lowpass_place";
  private static final String ROW = "lowpass_row";

  private final Corpus corpus;
  private final Dataset<Row> table;
  private final List<String> files;
  private final long documents;

  private Retry(Corpus corpus, Dataset<Row> table, List<String> files, long documents) {
    this.corpus = corpus;
    this.table = table;
    this.files = files;
    this.documents = documents;
  }

  /**
   * The documents of {@code corpus} whose row in {@code table} says that they failed.
   *
   * @param table read from Parquet files
   */
  public static Retry of(Corpus corpus, Dataset<Row> table) {
    List<Row> counts =
        table
            .where(failed(table))
            .select(table.col(OutputTable.DOC_ID), col("_metadata.file_name").as(FILE))
            .join(corpus.ids(), OutputTable.DOC_ID)
            .groupBy(FILE)
            .agg(count(lit(1)).as("documents"))
            .orderBy(col("documents").desc(), col(FILE))
            .collectAsList();
    return new Retry(
        corpus,
        table,
        counts.stream().map(row -> row.getString(0)).toList(),
        counts.stream().mapToLong(row -> row.getLong(1)).sum());
  }

  private static Column failed(Dataset<Row> table) {
    return table.col(OutputTable.STATUS).equalTo(OutputTable.FAILED);
  }

  /** Names of the files that hold them, in the order of {@link #decode}'s partitions. */
  public List<String> files() {
    return files;
  }

  /** How many there are. */
  public long documents() {
    return documents;
  }

  /** All rows of {@link #files}, a file a partition. Nothing runs until they are written. */
  public Dataset<Row> decode(Run run, Counters counters) {
    SparkSession spark = table.sparkSession();
    List<Row> places = new ArrayList<>();
    for (String file : files) {
      places.add(RowFactory.create(file, places.size()));
    }
    StructType schema = new StructType().add(FILE, StringType).add(PLACE, IntegerType);
    Dataset<Row> listing = corpus.listing();
    Dataset<Row> old =
        table
            .select(
                struct("*").as(ROW),
                table.col(OutputTable.DOC_ID).as("old_id"),
                failed(table).as("failed"),
                col("_metadata.file_name").as(FILE))
            .join(broadcast(spark.createDataFrame(places, schema)), FILE);
    Dataset<Row> documents =
        old.join(
                listing,
                old.col("old_id").equalTo(listing.col(OutputTable.DOC_ID)).and(old.col("failed")),
                "left")
            .repartitionById(files.size(), col(PLACE))
            .select(
                Stream.concat(Stream.of(listing.columns()), Stream.of(ROW))
                    .map(functions::col)
                    .toArray(Column[]::new));
    return corpus.decode(documents, run, counters);
  }
}
