package dev.lowpass.pipeline.evaluation.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.text.Shared;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Expected values are those of the Python package rouge, called from LongBench's scorer. */
class RougeTest {
  @ParameterizedTest
  @CsvSource({
    "the cat sat on the mat, the cat is on the mat, 0.8",
    "the cat sat. the dog ran., a dog ran. the cat sat., 0.909091",
    "'police killed the gunman. ', police kill the gunman, 0.666667",
    "a b c d, d c b a, 0.25",
    "'', x, 0",
    "..., x, 0",
    "x, '', 0",
    "a. . b, a b, 0.8",
    "The cat, the cat, 0.5",
  })
  void english(String prediction, String reference, double expected) {
    assertThat(Rouge.english(prediction, reference)).isCloseTo(expected, within(1e-6));
  }

  @Test
  void whatPythonCannotRecurseThroughScoresZero() {
    assertThat(Rouge.english("a ".repeat(990), "a ".repeat(990))).isCloseTo(1, within(1e-6));
    assertThat(Rouge.english("a ".repeat(991), "a ".repeat(991))).isZero();
    // The walk goes over all of the prediction before it meets the reference's only word.
    assertThat(Rouge.english("a" + " b".repeat(989), "a")).isPositive();
    assertThat(Rouge.english("a" + " b".repeat(990), "a")).isZero();
    // A Chinese full stop ends no sentence.
    assertThat(Rouge.chinese("。".repeat(989), "。".repeat(989))).isCloseTo(1, within(1e-6));
    assertThat(Rouge.chinese("。".repeat(990), "。".repeat(990))).isZero();
  }

  @ParameterizedTest
  @CsvSource({
    "北京大学。, 北京大学, 0.6666666622222223",
    "他在2019年毕业于北京大学, 2019年, 0.4444444409876544",
    "今天天气很好, 今天的天气非常好, 0.24999999531250006",
    "'', 北京, 0",
  })
  void chinese(String prediction, String reference, double expected) {
    assertThat(Rouge.chinese(prediction, reference)).isCloseTo(expected, within(1e-12));
  }

  /** Longer texts, scored by version 1.0.1 of the package. */
  @Test
  void newsStories() throws IOException {
    JsonNode cases = new ObjectMapper().readTree(Shared.require("data/rouge_cases.json").toFile());
    double[] expected = {
      0.4819277059660328, 0.18749999523925795, 0.11111110694101523, 0.2295081917871541
    };
    assertThat(cases).hasSize(expected.length);
    for (int i = 0; i < expected.length; i++) {
      String prediction = cases.get(i).get("hyp").textValue();
      String reference = cases.get(i).get("ref").textValue();
      assertThat(Rouge.english(prediction, reference)).isCloseTo(expected[i], within(1e-12));
    }
  }
}
