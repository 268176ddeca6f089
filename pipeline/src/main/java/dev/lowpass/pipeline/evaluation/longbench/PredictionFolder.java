package dev.lowpass.pipeline.evaluation.longbench;

import dev.lowpass.pipeline.evaluation.EvaluationException;
import dev.lowpass.pipeline.evaluation.RowScore;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A folder of predictions: {@code TASK.jsonl}, one file a task. Other files in it are left alone.
 */
public final class PredictionFolder {
  private static final String SUFFIX = ".jsonl";

  private final List<Path> files;

  private PredictionFolder(List<Path> files) {
    this.files = files;
  }

  /**
   * Finds the files.
   *
   * @throws EvaluationException if there are none, or one is of no task that LongBench has
   */
  public static PredictionFolder open(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new EvaluationException(folder + ": no such folder");
    }
    List<Path> files;
    try (Stream<Path> entries = Files.list(folder)) {
      files = entries.filter(file -> file.toString().endsWith(SUFFIX)).sorted().toList();
    }
    if (files.isEmpty()) {
      throw new EvaluationException(folder + ": has no predictions (TASK.jsonl)");
    }
    for (Path file : files) {
      if (LongBenchTask.of(taskName(file)).isEmpty()) {
        throw new EvaluationException(
            file + ": LongBench has no such task; there are: " + taskNames());
      }
    }
    return new PredictionFolder(files);
  }

  private static String taskName(Path file) {
    String name = file.getFileName().toString();
    return name.substring(0, name.length() - SUFFIX.length());
  }

  private static String taskNames() {
    return Arrays.stream(LongBenchTask.values())
        .map(LongBenchTask::id)
        .collect(Collectors.joining(", "));
  }

  /**
   * Scores every line; a row's name is its line's number. Blank lines are passed over.
   *
   * @param complaints told {@code FILE:LINE: what is wrong} of each line that has no score
   */
  public List<RowScore> score(Consumer<String> complaints) throws IOException {
    List<RowScore> scores = new ArrayList<>();
    for (Path file : files) {
      LongBenchTask task = LongBenchTask.of(taskName(file)).orElseThrow();
      try (InputStream bytes = new BufferedInputStream(Files.newInputStream(file))) {
        int number = 0;
        for (byte[] line = line(bytes); line.length > 0; line = line(bytes)) {
          number++;
          String name = Integer.toString(number);
          RowScore row = score(task, name, line);
          if (row != null) {
            scores.add(row);
            if (!row.scored()) {
              complaints.accept("%s:%d: %s".formatted(file, number, row.error()));
            }
          }
        }
      }
    }
    return scores;
  }

  /** The bytes up to a line's end and with it; none at the end of the file. */
  private static byte[] line(InputStream bytes) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    int next = 0;
    while (next != '\n' && (next = bytes.read()) >= 0) {
      line.write(next);
    }
    return line.toByteArray();
  }

  /** Null for a blank line. */
  private static RowScore score(LongBenchTask task, String row, byte[] line) {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(line)).toString();
      if (text.isBlank()) {
        return null;
      }
      LongBenchPrediction prediction = LongBenchPrediction.parse(text);
      return RowScore.of(task.id(), row, prediction.length(), task.score(prediction));
    } catch (CharacterCodingException e) {
      return RowScore.failed(task.id(), row, "not UTF-8");
    } catch (EvaluationException | IllegalArgumentException e) {
      return RowScore.failed(task.id(), row, e.getMessage());
    }
  }
}
