package dev.lowpass.pipeline.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScoreFilesTest {
  @TempDir Path folder;

  private final List<RowScore> rows =
      List.of(
          RowScore.of("a", "1", 3999, 1),
          RowScore.of("a", "2", 8000, 0.5),
          RowScore.failed("a", "3", "not UTF-8"),
          RowScore.failed("b", "1", "not UTF-8"));

  @Test
  void whatIsWrittenIsRead() throws IOException {
    ScoreFiles.write(folder, TaskScore.ofAll(rows));
    assertThat(ScoreFiles.read(folder)).isEqualTo(rows);
    assertThat(folder.resolve("metrics.json"))
        .content()
        .isEqualToIgnoringWhitespace("{\"a\":75.0,\"b\":null}");
    assertThat(folder.resolve("metrics_by_length.json"))
        .content()
        .isEqualToIgnoringWhitespace(
            "{\"a\":{\"0-4k\":100.0,\"4-8k\":null,\"8k+\":50.0},"
                + "\"b\":{\"0-4k\":null,\"4-8k\":null,\"8k+\":null}}");
  }

  /** The means of two rows are 50, 75 and 100 percent, one in four the outer ones. */
  @Test
  void interval() {
    assertThat(TaskScore.ofAll(rows).get(0).interval(1)).isEqualTo(new Bootstrap.Interval(50, 100));
  }

  /** 2.675 is a little less than that as a double, and 0.125 is exact. */
  @Test
  void roundsAsPythonDoes() {
    assertThat(TaskScore.round(2.675)).isEqualTo(2.67);
    assertThat(TaskScore.round(0.125)).isEqualTo(0.12);
    assertThat(TaskScore.round(0.375)).isEqualTo(0.38);
  }

  @Test
  void whatIsNoRun() throws IOException {
    refused(folder + ": has no scores.jsonl; give a folder that lowpass evaluate wrote");
    Path scores = folder.resolve("scores.jsonl");
    Files.writeString(scores, "{\"task\":\"a\",\"row\":\"1\",\"score\":1}\n{\"task\":\"a\"}\n");
    refused(scores + ":2: not a row's score: Missing required creator property 'row' (index 1)");
  }

  private void refused(String message) {
    assertThatThrownBy(() -> ScoreFiles.read(folder))
        .isInstanceOf(EvaluationException.class)
        .hasMessage(message);
  }
}
