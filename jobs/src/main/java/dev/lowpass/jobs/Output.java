package dev.lowpass.jobs;

import dev.lowpass.udfs.OutputTable;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/** The folder of Parquet files that a job writes. One job at a time may write to it. */
final class Output {
  /** Moderate, so that a task that writes long texts needs little memory. */
  private static final int ROW_GROUP_BYTES = 32 << 20;

  private final SparkSession spark;
  private final FileSystem files;
  private final Path folder;

  Output(SparkSession spark, String location) throws IOException {
    this.spark = spark;
    Path path = new Path(location);
    this.files = path.getFileSystem(spark.sparkContext().hadoopConfiguration());
    this.folder = files.makeQualified(path);
  }

  /** The folder, for people: local ones without a scheme. */
  String location() {
    return folder.toUri().getScheme().equals("file") ? folder.toUri().getPath() : folder.toString();
  }

  /**
   * The rows that are there already; empty if there is no table yet.
   *
   * @throws UsageException if what is there cannot be gone on with
   */
  Optional<Dataset<Row>> rows(String fingerprint, StructType schema) throws IOException {
    if (!hasFiles()) {
      return Optional.empty();
    }
    Dataset<Row> rows = read();
    List<String> columns = List.of(rows.columns());
    if (!columns.contains(OutputTable.DOC_ID) || !columns.contains(OutputTable.FINGERPRINT)) {
      throw new UsageException(
          "--output " + location() + " holds something else; give another folder");
    }
    List<Row> others =
        rows.where(rows.col(OutputTable.FINGERPRINT).notEqual(fingerprint))
            .limit(1)
            .collectAsList();
    if (!others.isEmpty()) {
      String other = others.get(0).getAs(OutputTable.FINGERPRINT);
      throw new UsageException(
          "--output %s holds rows of other settings (fingerprint %.12s, this run is %.12s); give another folder or remove it"
              .formatted(location(), other, fingerprint));
    }
    if (!rows.schema().catalogString().equals(schema.catalogString())) {
      // The fingerprint covers the fields, so that only copied columns can differ.
      throw new UsageException(
          "--output %s was written with other --keep-columns (its columns end with %s, this run's with %s); give the same, or another folder"
              .formatted(
                  location(),
                  columns.get(columns.size() - 1),
                  schema.fieldNames()[schema.size() - 1]));
    }
    return Optional.of(rows);
  }

  /** All rows of the table. */
  Dataset<Row> read() {
    try {
      return spark.read().parquet(folder.toString());
    } catch (Exception e) {
      if (e instanceof AnalysisException || e.getMessage().contains("Parquet")) {
        throw new UsageException(
            "--output " + location() + " holds something else; give another folder", e);
      }
      throw e;
    }
  }

  /** Adds rows to the table: all of them, or none if the job fails. */
  void append(Dataset<Row> rows) throws IOException {
    // A killed job leaves its finished tasks' files here, and the next commit would take them for
    // its own.
    files.delete(new Path(folder, "_temporary"), /* recursive= */ true);
    // Spark's own default, INT96, is read by few other programs.
    spark.conf().set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS");
    rows.write()
        .mode(SaveMode.Append)
        .option("compression", "zstd")
        .option("parquet.block.size", ROW_GROUP_BYTES)
        .parquet(folder.toString());
  }

  private boolean hasFiles() throws IOException {
    if (!files.exists(folder)) {
      return false;
    }
    if (files.getFileStatus(folder).isFile()) {
      throw new UsageException("--output " + location() + " is a file; give a folder");
    }
    for (FileStatus file : files.listStatus(folder)) {
      String name = file.getPath().getName();
      if (!name.startsWith("_") && !name.startsWith(".")) {
        return true;
      }
    }
    return false;
  }
}
