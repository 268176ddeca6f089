package dev.lowpass.jobs;

import dev.lowpass.udfs.Corpus;
import dev.lowpass.udfs.TextFiles;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Option;

/** Which documents. */
final class CorpusOptions {
  private static final String TEXT = "text";

  /** Formats that a file's name gives away. */
  private static final Set<String> SUFFIXES =
      Set.of("jsonl", "json", "parquet", "csv", "orc", "avro");

  @Option(
      names = "--input",
      paramLabel = "PATH",
      arity = "1..*",
      required = true,
      description = "Files, folders or globs; local or Hadoop URIs.")
  private List<String> input = List.of();

  @Option(
      names = "--format",
      paramLabel = "NAME",
      description =
          "text (a file is a document), jsonl, json, parquet, csv or another that Spark reads."
              + " Default: what the names of the input files end with, else text.")
  private String format;

  @Option(
      names = "--id-column",
      paramLabel = "NAME",
      description = "A table's ids. Default: made of file name and content hash.")
  private String idColumn;

  @Option(
      names = "--text-column",
      paramLabel = "NAME",
      defaultValue = "text",
      description = "A table's documents. Default: ${DEFAULT-VALUE}.")
  private String textColumn;

  @Option(
      names = "--keep-columns",
      paramLabel = "NAME,...",
      split = ",",
      description = "Input columns to copy into the output, such as text.")
  private List<String> keepColumns = List.of();

  List<String> keepColumns() {
    return List.copyOf(new LinkedHashSet<>(keepColumns));
  }

  /** The format given, or the one that the input's names tell. */
  String format() {
    if (format != null) {
      return format.toLowerCase(Locale.ROOT);
    }
    Set<String> suffixes = new LinkedHashSet<>();
    for (String path : input) {
      String suffix = path.substring(path.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
      suffixes.add(SUFFIXES.contains(suffix) ? suffix : TEXT);
    }
    return suffixes.size() == 1 ? suffixes.iterator().next() : TEXT;
  }

  /** Finds the documents; what is wrong with the input as a whole comes out here. */
  Corpus open(SparkSession spark) throws IOException {
    String name = format();
    if (name.equals(TEXT)) {
      return Corpus.ofTextFiles(spark, input, keepColumns());
    }
    return Corpus.ofTable(table(spark, name), idColumn, textColumn, keepColumns());
  }

  private Dataset<Row> table(SparkSession spark, String name) throws IOException {
    List<String> paths = new ArrayList<>();
    for (String path : input) {
      paths.addAll(TextFiles.existing(path, spark.sparkContext().hadoopConfiguration()));
    }
    DataFrameReader reader = spark.read();
    reader =
        switch (name) {
          case "jsonl" -> reader.format("json");
          case "json" -> reader.format("json").option("multiLine", true);
          case "csv" ->
              reader
                  .format("csv")
                  .option("header", true)
                  .option("multiLine", true)
                  .option("escape", "\"");
          default -> reader.format(name);
        };
    try {
      return reader.load(paths.toArray(String[]::new));
    } catch (Exception e) {
      // Spark's own are checked exceptions that its Java signatures do not declare.
      throw new UsageException(
          "--input %s cannot be read as %s: %s"
              .formatted(String.join(" ", input), name, Causes.message(e)),
          e);
    }
  }
}
