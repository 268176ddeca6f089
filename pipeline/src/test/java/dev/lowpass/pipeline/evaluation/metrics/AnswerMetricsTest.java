package dev.lowpass.pipeline.evaluation.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Expected values are what LongBench's metrics.py gives. */
class AnswerMetricsTest {
  @ParameterizedTest
  @CsvSource({
    "The Eiffel Tower!, eiffel tower, 1",
    "It was built in 1889 in Paris., 1889, 0.25",
    "a an the, the, 0",
    "New-York City, new york city, 0.4",
    "cat cat dog, cat dog dog, 0.666667",
    "U.S.A, usa, 1",
    "Übung macht the Meister, übung macht Meister, 1",
    "x² a, x², 1",
    "the_a b, a b, 0.666667",
    "a\u00a0cat, cat, 1",
  })
  void englishF1(String prediction, String reference, double expected) {
    assertThat(QaF1.english(prediction, reference)).isCloseTo(expected, within(1e-6));
  }

  @ParameterizedTest
  @CsvSource({
    "北京大学。, 北京大学, 1",
    "他在2019年毕业于北京大学, 2019年, 0.444444",
    "答案是：小明, 小明！, 0.5",
    "今天天气很好, 今天的天气非常好, 0.25",
    "'', 北京, 0",
    "上海，上海。, 上海, 0.666667",
  })
  void chineseF1(String prediction, String reference, double expected) {
    assertThat(QaF1.chinese(prediction, reference)).isCloseTo(expected, within(1e-6));
  }

  @Test
  void classification() {
    List<String> types =
        List.of(
            "Food",
            "Date",
            "Definition of something",
            "Description of something",
            "Description of a person");
    assertThat(Classification.score("Type: Date", "Date", types)).isEqualTo(1);
    assertThat(Classification.score("Description of something", "Definition of something", types))
        .isZero();
    assertThat(Classification.score("Food or Date", "Food", types)).isEqualTo(0.5);
  }

  @Test
  void classificationPassesOverWhatFollowsARemovedClass() {
    assertThat(
            Classification.score(
                "Other location", "Other location", List.of("Other location", "location", "Other")))
        .isEqualTo(0.5);
    assertThat(Classification.score("A AB ABC", "ABC", List.of("A", "AB", "ABC"))).isEqualTo(0.5);
  }

  @ParameterizedTest
  @CsvSource({
    "'Paragraph 1, not 12', Paragraph 12, 0.5",
    "12 12 3, Paragraph 12, 0.666667",
    "Paragraph 012, Paragraph 12, 0",
    "none, Paragraph 12, 0",
  })
  void paragraph(String prediction, String reference, double expected) {
    assertThat(NumberMatch.paragraph(prediction, reference)).isCloseTo(expected, within(1e-6));
  }

  @ParameterizedTest
  @CsvSource({"段落12, 段落12, 1", "段落1，段落12, 段落12, 0.5", "答案是１２, 段落12, 0"})
  void chineseParagraph(String prediction, String reference, double expected) {
    assertThat(NumberMatch.chineseParagraph(prediction, reference)).isEqualTo(expected);
  }

  @Test
  void aReferenceWithoutAParagraphIsRefused() {
    assertThatThrownBy(() -> NumberMatch.paragraph("1", "the first"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the answer \"the first\" names no paragraph's number");
  }

  @Test
  void count() {
    assertThat(NumberMatch.count("5 of 10", "5")).isEqualTo(0.5);
  }

  @ParameterizedTest
  @CsvSource({
    "'\n\nreturn x + 1\nfoo', return x + 1, 1",
    "'# comment\n    return x', '    return x', 1",
    "'```python\nreturn x\n```', return x, 1",
    "'    int a = b;', int a = b, 0.78",
    "'// c\n', x, 0",
    "abcdefgh, hgfedcba, 0.12",
  })
  void code(String prediction, String reference, double expected) {
    assertThat(CodeSimilarity.score(prediction, reference)).isEqualTo(expected);
  }

  @Test
  void codeStartsNoMatchAtPopularCharacters() {
    String prediction = "x".repeat(150) + "y".repeat(60);
    String reference = "x".repeat(140) + "y".repeat(70);
    assertThat(CodeSimilarity.score(prediction, reference)).isEqualTo(0.67);
  }

  @ParameterizedTest
  @CsvSource({
    "abcd, bcde, 75",
    "kitten, sitting, 62",
    "return x, return y, 88",
    "a b c, c b a, 60"
  })
  void percent(String a, String b, int expected) {
    assertThat(CodeSimilarity.percent(a, b)).isEqualTo(expected);
  }
}
