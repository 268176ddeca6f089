package dev.lowpass.udfs;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.element_at;
import static org.apache.spark.sql.functions.first;
import static org.apache.spark.sql.functions.input_file_name;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.octet_length;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.sha2;
import static org.apache.spark.sql.functions.split;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.substring;
import static org.apache.spark.sql.functions.when;
import static org.apache.spark.sql.types.DataTypes.BinaryType;
import static org.apache.spark.sql.types.DataTypes.LongType;
import static org.apache.spark.sql.types.DataTypes.StringType;

import dev.lowpass.udfs.sql.LowpassDecode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;
import scala.reflect.ClassTag$;

/**
 * The documents of a job, each under its own id. A file that is a document stays where it is until
 * a task reads it; a table's text comes along as bytes, so that broken UTF-8 is found, not
 * replaced.
 */
public final class Corpus {
  private static final String ID = "doc_id";
  private static final String DERIVED = "derived";
  private static final int HASH_DIGITS = 16;

  private static final String KEPT_TEXT = "text";
  private static final StructType NOTHING = new StructType();

  /** Columns {@link DocumentReader} expects, in its order. */
  private final Dataset<Row> listing;

  private final StructType kept;
  private final DocumentFormat format;

  private Corpus(Dataset<Row> listing, StructType kept, DocumentFormat format) {
    for (String column : kept.fieldNames()) {
      if (OutputTable.COLUMNS.contains(column)) {
        throw new InputException(
            "--keep-columns "
                + column
                + ": the output has a column of that name; rename the input's");
      }
    }
    this.listing = listing;
    this.kept = kept;
    this.format = format;
  }

  /**
   * Files, each of which is a document.
   *
   * @param inputs files, folders and globs
   * @param keep {@code text}, or nothing
   * @param format what they are
   * @throws InputException if there are no files, or none under that name
   */
  public static Corpus ofFiles(
      SparkSession spark, List<String> inputs, List<String> keep, DocumentFormat format)
      throws IOException {
    for (String column : keep) {
      if (!column.equals(KEPT_TEXT)) {
        throw noColumn("--keep-columns", column, KEPT_TEXT);
      }
    }
    List<Row> rows =
        TextFiles.list(inputs, spark.sparkContext().hadoopConfiguration()).stream()
            .map(file -> RowFactory.create(file.docId(), file.path(), file.length(), null, null))
            .toList();
    if (rows.isEmpty()) {
      throw new InputException("--input " + String.join(" ", inputs) + ": no files in there");
    }
    StructType kept = keep.isEmpty() ? NOTHING : NOTHING.add(KEPT_TEXT, StringType);
    StructType schema =
        new StructType()
            .add(ID, StringType)
            .add("source", StringType)
            .add("length", LongType)
            .add("content", BinaryType)
            .add("kept", kept);
    JavaRDD<Row> onePartition = new JavaSparkContext(spark.sparkContext()).parallelize(rows, 1);
    return new Corpus(spark.createDataFrame(onePartition, schema), kept, format);
  }

  /**
   * A table: a row is a document.
   *
   * @param idColumn its values must differ; null for ids made of file name and content hash
   * @param textColumn a string, or binary
   * @param keep columns to copy into the output
   * @param format what its documents are; a string is UTF-8, whatever that says
   * @throws InputException if a column is missing or of another type, or if ids occur twice
   */
  public static Corpus ofTable(
      Dataset<Row> table,
      String idColumn,
      String textColumn,
      List<String> keep,
      DocumentFormat format) {
    Column text = column(table, "--text-column", textColumn).cast(BinaryType);
    DataType type = table.schema().apply(textColumn).dataType();
    if (!type.equals(StringType) && !type.equals(BinaryType)) {
      throw new InputException(
          "--text-column "
              + textColumn
              + " is of type "
              + type.catalogString()
              + "; give a column of strings, or binary");
    }
    Column[] keptColumns =
        keep.stream().map(name -> column(table, "--keep-columns", name)).toArray(Column[]::new);
    Column file = element_at(split(input_file_name(), "/"), -1);
    Column hash = substring(sha2(coalesce(text, lit(new byte[0])), 256), 1, HASH_DIGITS);
    Column derivedId = concat(file, lit("#"), hash);
    Column givenId =
        idColumn == null
            ? lit(null).cast(StringType)
            : column(table, "--id-column", idColumn).cast(StringType);
    Dataset<Row> listing =
        table.select(
            coalesce(givenId, derivedId).as(ID),
            input_file_name().as("source"),
            lit(null).cast(LongType).as("length"),
            text.as("content"),
            struct(keptColumns).as("kept"),
            givenId.isNull().as(DERIVED));
    listing = withoutRepeats(listing, idColumn);
    return new Corpus(
        listing,
        table.select(keptColumns).schema(),
        type.equals(StringType) ? format.in(StandardCharsets.UTF_8) : format);
  }

  /** Refuses given ids that occur twice, and numbers the repeats of derived ones. */
  private static Dataset<Row> withoutRepeats(Dataset<Row> listing, String idColumn) {
    Dataset<Row> repeats =
        listing
            .groupBy(ID)
            .agg(count(lit(1)).as("rows"), max(DERIVED).as(DERIVED))
            .where(col("rows").gt(1));
    Row found =
        repeats
            .agg(
                count(lit(1)),
                count(when(col(DERIVED), 1)),
                first(when(col(DERIVED).equalTo(lit(false)), col(ID)), /* ignoreNulls= */ true))
            .head();
    long all = found.getLong(0);
    long derived = found.getLong(1);
    if (all > derived) {
      throw new InputException(
          "--id-column %s: %d of its values occur more than once, such as '%s'; give a column whose values differ, or none"
              .formatted(idColumn, all - derived, found.getString(2)));
    }
    if (derived > 0) {
      Column occurrence = row_number().over(Window.partitionBy(ID).orderBy("source"));
      listing =
          listing
              .withColumn("occurrence", occurrence)
              .withColumn(
                  ID,
                  when(col("occurrence").gt(1), concat(col(ID), lit("-"), col("occurrence")))
                      .otherwise(col(ID)));
    }
    return listing.select(ID, "source", "length", "content", "kept");
  }

  /** The documents' ids. */
  Dataset<Row> ids() {
    return listing.select(ID);
  }

  /** How many documents there are. */
  public long size() {
    return listing.count();
  }

  /** The input columns that go into the output. */
  public StructType kept() {
    return kept;
  }

  /** The documents whose id is not in the column {@code doc_id} of {@code done}. */
  public Corpus without(Dataset<Row> done) {
    Dataset<Row> ids = done.select(col(OutputTable.DOC_ID).as("done_id"));
    return new Corpus(
        listing.join(ids, listing.col(ID).equalTo(ids.col("done_id")), "left_anti"), kept, format);
  }

  /** Their columns, as {@link DocumentReader} expects them. */
  Dataset<Row> listing() {
    return listing;
  }

  /** The rows of the output table, a slice a task. Nothing runs until they are written. */
  public Dataset<Row> decode(Run run, Counters counters, Slices slices) {
    Column bytes = coalesce(col("length"), octet_length(col("content")));
    return decode(slices.of(listing, ID, bytes), run, counters);
  }

  /** The rows for documents of this corpus, in the partitions that they are in. */
  Dataset<Row> decode(Dataset<Row> documents, Run run, Counters counters) {
    SparkContext spark = listing.sparkSession().sparkContext();
    Broadcast<SerializableConfiguration> hadoop =
        spark.broadcast(
            new SerializableConfiguration(spark.hadoopConfiguration()),
            ClassTag$.MODULE$.apply(SerializableConfiguration.class));
    Dataset<Row> rows =
        documents.mapPartitions(
            new Decode(run, kept, format, counters, hadoop),
            Encoders.row(new OutputTable(run, kept).schema()));
    return LowpassDecode.show(
        rows, run.task().command() + ", " + run.policy().on(run.engine()), counters);
  }

  private static Column column(Dataset<Row> table, String option, String name) {
    if (!List.of(table.columns()).contains(name)) {
      throw noColumn(option, name, String.join(", ", table.columns()));
    }
    return table.col("`" + name.replace("`", "``") + "`");
  }

  private static InputException noColumn(String option, String name, String columns) {
    return new InputException(
        option + " " + name + ": the input has no such column; it has: " + columns);
  }
}
