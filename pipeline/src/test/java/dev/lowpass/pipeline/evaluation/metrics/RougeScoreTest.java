package dev.lowpass.pipeline.evaluation.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.text.Shared;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class RougeScoreTest {
  /** Expected values are those of the Python package rouge 0.2.1. */
  @Test
  void newsStories() throws IOException {
    JsonNode cases = new ObjectMapper().readTree(Shared.require("data/rouge_cases.json").toFile());
    assertThat(cases).isNotEmpty();
    for (JsonNode story : cases) {
      String prediction = story.get("hyp").textValue();
      String reference = story.get("ref").textValue();
      JsonNode scores = story.get("scores");
      assertSame(RougeScore.n(1, prediction, reference), scores.get("rouge-1"));
      assertSame(RougeScore.n(2, prediction, reference), scores.get("rouge-2"));
      assertSame(RougeScore.l(prediction, reference), scores.get("rouge-l"));
    }
  }

  private static void assertSame(RougeScore score, JsonNode expected) {
    assertThat(score.precision()).isCloseTo(expected.get("p").doubleValue(), within(1e-12));
    assertThat(score.recall()).isCloseTo(expected.get("r").doubleValue(), within(1e-12));
    assertThat(score.f()).isCloseTo(expected.get("f").doubleValue(), within(1e-12));
  }

  @Test
  void nothingInCommon() {
    assertThat(RougeScore.l("a b", "c")).isEqualTo(new RougeScore(0, 0, 0));
    assertThat(RougeScore.l("", "c")).isEqualTo(new RougeScore(0, 0, 0));
    assertThat(RougeScore.n(2, "a", "a")).isEqualTo(new RougeScore(0, 0, 0));
  }
}
