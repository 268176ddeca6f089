package dev.lowpass.pipeline.evaluation.longbench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.evaluation.EvaluationException;
import dev.lowpass.pipeline.evaluation.RowScore;
import dev.lowpass.pipeline.evaluation.TaskScore;
import dev.lowpass.pipeline.text.Shared;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PredictionFolderTest {
  private static final String RIGHT =
      "{\"pred\": \"Paris\", \"answers\": [\"Paris\"], \"all_classes\": null, \"length\": 4000}\n";
  private static final String WRONG =
      "{\"pred\": \"Rome\", \"answers\": [\"Paris\"], \"all_classes\": null, \"length\": 9}\n";

  @TempDir Path folder;

  private final List<String> complaints = new ArrayList<>();

  /** The scores that LongBench's own scorer gave the same predictions. */
  @Test
  void scoresOfLongBenchItself() throws IOException {
    Path scored = Shared.require("data/longbench_scores/llama3-8b-instruct");
    JsonNode expected = new ObjectMapper().readTree(scored.resolve("result.json").toFile());
    List<TaskScore> tasks = TaskScore.ofAll(PredictionFolder.open(scored).score(complaints::add));
    assertThat(complaints).isEmpty();
    assertThat(tasks).hasSize(expected.size());
    for (TaskScore task : tasks) {
      assertThat(task.percent().orElseThrow())
          .as(task.task())
          .isEqualTo(expected.get(task.task()).doubleValue());
    }
  }

  @Test
  void aMalformedLineIsNamedAndTheOthersAreScored() throws IOException {
    Files.writeString(
        folder.resolve("hotpotqa.jsonl"),
        RIGHT
            + "{\"pred\": \n"
            + "\n"
            + "[]\n"
            + "{\"pred\": 7, \"answers\": []}\n"
            + "{\"pred\": \"\", \"answers\": \"Paris\"}\n"
            + "{\"pred\": \"\", \"answers\": [1]}\n"
            + "{\"pred\": \"\", \"answers\": [\"a\"], \"length\": \"long\"}\n"
            + WRONG);
    Files.writeString(folder.resolve("passage_retrieval_en.jsonl"), RIGHT, StandardCharsets.UTF_8);
    Files.write(
        folder.resolve("qasper.jsonl"),
        "{\"pred\": \"é\", \"answers\": []}".getBytes(StandardCharsets.ISO_8859_1));
    List<RowScore> rows = PredictionFolder.open(folder).score(complaints::add);
    assertThat(complaints)
        .hasSize(8)
        .allMatch(line -> line.startsWith(folder.toString()))
        .anyMatch(line -> line.contains("hotpotqa.jsonl:2: not valid JSON"))
        .anyMatch(line -> line.endsWith("hotpotqa.jsonl:4: not a JSON object"))
        .anyMatch(line -> line.endsWith("hotpotqa.jsonl:5: pred is missing or no string"))
        .anyMatch(line -> line.endsWith(":6: answers is missing or no list of strings"))
        .anyMatch(line -> line.endsWith(":7: answers is missing or no list of strings"))
        .anyMatch(line -> line.endsWith(":8: length is no whole number"))
        .anyMatch(
            line -> line.endsWith("_en.jsonl:1: the answer \"Paris\" names no paragraph's number"))
        .anyMatch(line -> line.endsWith("qasper.jsonl:1: not UTF-8"));
    TaskScore hotpotqa = TaskScore.ofAll(rows).get(0);
    assertThat(hotpotqa.failed()).isEqualTo(6);
    assertThat(hotpotqa.percent()).hasValue(50);
    assertThat(hotpotqa.rows().get(7).row()).isEqualTo("9");
  }

  @Test
  void scoresByLength() throws IOException {
    Files.writeString(folder.resolve("hotpotqa.jsonl"), RIGHT + WRONG);
    TaskScore task = TaskScore.ofAll(PredictionFolder.open(folder).score(complaints::add)).get(0);
    assertThat(task.percent("0-4k")).hasValue(0);
    assertThat(task.percent("4-8k")).hasValue(100);
    assertThat(task.percent("8k+")).isEmpty();
  }

  @Test
  void whatIsNoFolderOfPredictions() throws IOException {
    refused(folder.resolve("absent") + ": no such folder", folder.resolve("absent"));
    refused(folder + ": has no predictions (TASK.jsonl)", folder);
    Files.writeString(folder.resolve("squad.jsonl"), RIGHT);
    assertThatThrownBy(() -> PredictionFolder.open(folder))
        .isInstanceOf(EvaluationException.class)
        .hasMessageStartingWith(
            folder.resolve("squad.jsonl")
                + ": LongBench has no such task; there are: narrativeqa,");
  }

  private static void refused(String message, Path folder) {
    assertThatThrownBy(() -> PredictionFolder.open(folder))
        .isInstanceOf(EvaluationException.class)
        .hasMessage(message);
  }
}
