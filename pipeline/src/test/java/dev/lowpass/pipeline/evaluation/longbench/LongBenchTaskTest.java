package dev.lowpass.pipeline.evaluation.longbench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class LongBenchTaskTest {
  @Test
  void theBestReferenceCounts() {
    assertThat(score(LongBenchTask.HOTPOTQA, "Paris", "Rome", "Paris")).isEqualTo(1);
  }

  @Test
  void noReferenceScoresNothing() {
    assertThat(score(LongBenchTask.HOTPOTQA, "Paris")).isZero();
  }

  @Test
  void fewShotTasksEndWithTheFirstLine() {
    assertThat(score(LongBenchTask.TRIVIAQA, "\nParis\nQuestion: foo", "Paris, France", "Paris"))
        .isEqualTo(1);
    assertThat(score(LongBenchTask.SAMSUM, "\n\nAmy is late.\nDialogue", "Amy is late"))
        .isCloseTo(1, within(1e-6));
    // Only line ends are dropped ahead of it.
    assertThat(score(LongBenchTask.TRIVIAQA, " \nParis", "Paris")).isZero();
    assertThat(score(LongBenchTask.HOTPOTQA, " \nParis", "Paris")).isEqualTo(1);
  }

  @Test
  void names() {
    assertThat(LongBenchTask.of("2wikimqa")).contains(LongBenchTask.TWO_WIKI_MQA);
    assertThat(LongBenchTask.of("hotpotqa_e")).isEmpty();
    assertThat(LongBenchTask.values()).hasSize(21);
  }

  private static double score(LongBenchTask task, String prediction, String... answers) {
    return task.score(new LongBenchPrediction(prediction, List.of(answers), List.of(), null));
  }
}
