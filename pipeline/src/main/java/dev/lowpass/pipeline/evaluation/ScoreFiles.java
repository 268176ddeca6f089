package dev.lowpass.pipeline.evaluation;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** The scores of a run, in the run's folder. */
public final class ScoreFiles {
  /** Task to score. */
  public static final String METRICS = "metrics.json";

  /** Task to score by range of lengths, as LongBench-E's {@code result.json}. */
  public static final String METRICS_BY_LENGTH = "metrics_by_length.json";

  /** A {@link RowScore} a line. */
  public static final String SCORES = "scores.jsonl";

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private ScoreFiles() {}

  /** Writes all three files; a score that there is none of is null. */
  public static void write(Path folder, List<TaskScore> tasks) throws IOException {
    Files.createDirectories(folder);
    Map<String, Double> metrics = new LinkedHashMap<>();
    Map<String, Map<String, Double>> byLength = new LinkedHashMap<>();
    for (TaskScore task : tasks) {
      metrics.put(task.task(), orNull(task.percent()));
      Map<String, Double> ranges = new LinkedHashMap<>();
      for (String range : TaskScore.lengthRanges()) {
        ranges.put(range, orNull(task.percent(range)));
      }
      byLength.put(task.task(), ranges);
    }
    try (BufferedWriter lines = Files.newBufferedWriter(folder.resolve(SCORES))) {
      for (TaskScore task : tasks) {
        for (RowScore row : task.rows()) {
          lines.write(MAPPER.writeValueAsString(row));
          lines.write('\n');
        }
      }
    }
    MAPPER.writerWithDefaultPrettyPrinter().writeValue(folder.resolve(METRICS).toFile(), metrics);
    MAPPER
        .writerWithDefaultPrettyPrinter()
        .writeValue(folder.resolve(METRICS_BY_LENGTH).toFile(), byLength);
  }

  private static Double orNull(OptionalDouble value) {
    return value.isPresent() ? value.getAsDouble() : null;
  }

  /**
   * Reads the rows of a run.
   *
   * @throws EvaluationException if there are none, or a line is not a row's
   */
  public static List<RowScore> read(Path folder) throws IOException {
    Path file = folder.resolve(SCORES);
    if (!Files.isRegularFile(file)) {
      throw new EvaluationException(
          folder + ": has no " + SCORES + "; give a folder that lowpass evaluate wrote");
    }
    ObjectReader reader = MAPPER.readerFor(RowScore.class);
    List<RowScore> rows = new ArrayList<>();
    int number = 0;
    for (String line : Files.readAllLines(file)) {
      number++;
      try {
        rows.add(reader.readValue(line));
      } catch (JsonProcessingException e) {
        throw new EvaluationException(
            "%s:%d: not a row's score: %s".formatted(file, number, e.getOriginalMessage()), e);
      }
    }
    return rows;
  }
}
