package dev.lowpass.jobs;

import dev.lowpass.udfs.Corpus;
import dev.lowpass.udfs.DocumentFormat;
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
  private static final String TABLE = "table";

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
          "text (a file is a document: text, Markdown, HTML; PDF and Office with lowpass-tika.jar), jsonl, json, parquet, csv or another that Spark reads, or table (of Spark's catalog)."
              + " Default: what the names of the input files end with, else text.")
  private String format;

  @Option(
      names = "--encoding",
      paramLabel = "NAME",
      defaultValue = DocumentFormat.AUTO,
      description =
          "Of the documents, or auto: byte order mark, else UTF-8 if it is valid, else what the document declares or its bytes tell. Default: ${DEFAULT-VALUE}.")
  private String encoding;

  @Option(
      names = "--text-type",
      paramLabel = "TYPE",
      defaultValue = DocumentFormat.AUTO,
      description =
          "What documents are read as, whatever their names: text, html, pdf, ... Default: ${DEFAULT-VALUE}, what a file's name ends with; text in a table.")
  private String textType;

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
    for (String file : input) {
      String path = file.replaceFirst("(?i)\\.(gz|zst|bz2)$", "");
      String suffix = path.substring(path.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
      suffixes.add(SUFFIXES.contains(suffix) ? suffix : TEXT);
    }
    return suffixes.size() == 1 ? suffixes.iterator().next() : TEXT;
  }

  /** Finds the documents; what is wrong with the input as a whole comes out here. */
  Corpus open(SparkSession spark) throws IOException {
    String name = format();
    DocumentFormat format = new DocumentFormat(encoding, textType);
    if (name.equals(TEXT)) {
      return Corpus.ofFiles(spark, input, keepColumns(), format);
    }
    return Corpus.ofTable(table(spark, name), idColumn, textColumn, keepColumns(), format);
  }

  private Dataset<Row> catalogTable(SparkSession spark) {
    if (input.size() > 1) {
      throw new UsageException("--format table takes one table; --input has " + input.size());
    }
    try {
      return spark.table(input.get(0));
    } catch (Exception e) {
      throw new UsageException(
          "--input %s is no table of Spark's catalog: %s"
              .formatted(input.get(0), Causes.message(e)),
          e);
    }
  }

  private Dataset<Row> table(SparkSession spark, String name) throws IOException {
    if (name.equals(TABLE)) {
      return catalogTable(spark);
    }
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
    if (!encoding.equals(DocumentFormat.AUTO) && !name.equals("parquet")) {
      reader = reader.option("encoding", encoding); // of the files, where they are text
    }
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
