package dev.lowpass.jobs;

import dev.lowpass.udfs.OutputTable;
import dev.lowpass.udfs.SliceCommitProtocol;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
import scala.jdk.javaapi.OptionConverters;

/** The folder of Parquet files that a job writes. One job at a time may write to it. */
final class Output {
  /** Moderate, so that a task that writes long texts needs little memory. */
  private static final int ROW_GROUP_BYTES = 32 << 20;

  private static final String SUCCESS = "_SUCCESS";

  private static final Map<String, String> SETTINGS =
      Map.of(
          "spark.sql.sources.commitProtocolClass",
          SliceCommitProtocol.class.getName(),
          // Spark's own default, INT96, is read by few other programs.
          "spark.sql.parquet.outputTimestampType",
          "TIMESTAMP_MICROS");

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
      // The fingerprint covers the fields, so that only copied columns differ, or another
      // release's.
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

  /**
   * Locks out whatever still runs of an earlier job that wrote here. To be called before {@link
   * #rows}.
   */
  void takeOver() throws IOException {
    SliceCommitProtocol.takeOver(files, folder);
  }

  /** Adds rows to the table: those of each task when it has finished, whatever comes later. */
  void append(Dataset<Row> rows) throws IOException {
    write(rows, Map.of());
  }

  /** Writes files of the table anew, each when the task at its place in the list has finished. */
  void replace(List<String> names, Dataset<Row> rows) throws IOException {
    write(rows, SliceCommitProtocol.replacing(names));
  }

  private void write(Dataset<Row> rows, Map<String, String> options) throws IOException {
    files.delete(new Path(folder, SUCCESS), /* recursive= */ false);
    Map<String, Optional<String>> before = new HashMap<>();
    SETTINGS.forEach(
        (key, value) -> {
          before.put(key, OptionConverters.toJava(spark.conf().getOption(key)));
          spark.conf().set(key, value);
        });
    try {
      rows.write()
          .mode(SaveMode.Append)
          .options(options)
          .option("compression", "zstd")
          .option("parquet.block.size", ROW_GROUP_BYTES)
          .option("maxRecordsPerFile", 0)
          .parquet(folder.toString());
    } finally {
      before.forEach(
          (key, value) ->
              value.ifPresentOrElse(
                  old -> spark.conf().set(key, old), () -> spark.conf().unset(key)));
    }
  }

  /** Leaves the mark by which others see that no run is at work on the table. */
  void markComplete() throws IOException {
    files.create(new Path(folder, SUCCESS), /* overwrite= */ true).close();
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
