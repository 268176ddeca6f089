package dev.lowpass.jobs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;

/** Files of JSON lines once more as Parquet, a file each, beside them. */
final class ParquetCopies {
  private static final String JSONL = ".jsonl";
  private static final String PARQUET = ".parquet";

  private ParquetCopies() {}

  /** Writes {@code NAME.parquet} beside {@code NAME.jsonl}. */
  static Path write(SparkSession session, Path file) throws IOException {
    Path temporary = file.resolveSibling("." + file.getFileName() + PARQUET);
    session
        .read()
        .json(file.toString())
        .coalesce(1)
        .write()
        .option("compression", "zstd")
        .parquet(temporary.toString());
    String name = file.getFileName().toString();
    Path copy = file.resolveSibling(name.substring(0, name.length() - JSONL.length()) + PARQUET);
    List<Path> written;
    try (Stream<Path> files = Files.list(temporary)) {
      written = files.toList();
    }
    for (Path part : written) {
      if (part.getFileName().toString().endsWith(PARQUET)) {
        Files.move(part, copy, StandardCopyOption.REPLACE_EXISTING);
      }
    }
    try (Stream<Path> rest = Files.walk(temporary)) {
      for (Path path : rest.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
    return copy;
  }
}
