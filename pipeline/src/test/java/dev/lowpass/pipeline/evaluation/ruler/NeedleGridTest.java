package dev.lowpass.pipeline.evaluation.ruler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.pipeline.evaluation.EvaluationException;
import dev.lowpass.pipeline.evaluation.metrics.PythonText;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class NeedleGridTest {
  private static final TokenCounter WORDS = text -> PythonText.split(text).size();
  private static final String NEEDLE = NeedleGrid.Needle.SANDWICH.text();

  /** A hundred sentences of nine words, each with its number. */
  private static final String TEXT =
      IntStream.range(0, 100)
          .mapToObj(i -> "Sentence " + i + " has as many words as all others.")
          .collect(Collectors.joining(" "));

  private static NeedleGrid grid(List<Integer> depths) {
    return new NeedleGrid(new Haystack(TEXT), NeedleGrid.Needle.SANDWICH, depths, WORDS);
  }

  @Test
  void depths() {
    assertThat(NeedleGrid.depths(10)).containsExactly(0, 11, 22, 33, 44, 56, 67, 78, 89, 100);
    assertThat(NeedleGrid.depths(1)).containsExactly(0);
  }

  @Test
  void everyCellFillsItsLength() {
    for (int tokens : new int[] {100, 1000, 5000}) {
      assertThat(grid(List.of(0, 50, 100)).cells(tokens))
          .extracting(NeedleGrid.Cell::length)
          .containsOnly(tokens);
    }
  }

  @Test
  void theNeedleStandsBetweenSentencesAtItsDepth() {
    int others = wording() + NeedleGrid.ANSWER_TOKENS;
    List<NeedleGrid.Cell> cells = grid(List.of(0, 25, 50, 100)).cells(900 + others);
    assertThat(before(cells.get(0))).endsWith("<book> ");
    assertThat(before(cells.get(1))).endsWith("Sentence 24 has as many words as all others.");
    assertThat(before(cells.get(2))).endsWith("Sentence 49 has as many words as all others.");
    assertThat(before(cells.get(3))).endsWith("Sentence 99 has as many words as all others.");
    assertThat(cells.get(3).input()).contains(NEEDLE + " </book>.\n");
  }

  private static int wording() {
    return WORDS.count(
        NEEDLE
            + "This is a very long story book: <book> </book>. Based on the content of the book,"
            + " Question: The best thing to do in San Francisco is: "
            + " Answer:");
  }

  private static String before(NeedleGrid.Cell cell) {
    return cell.input().substring(0, cell.input().indexOf(NEEDLE));
  }

  @Test
  void aLengthWithoutRoomForTextIsRefused() {
    assertThatThrownBy(() -> grid(List.of(50)).cells(60))
        .isInstanceOf(EvaluationException.class)
        .hasMessageStartingWith("needle: 60 tokens are too few: the question alone takes ");
  }

  @Test
  void score() {
    List<String> outputs = List.of(NeedleGrid.Needle.SANDWICH.answer());
    assertThat(NeedleGrid.score("Eat a sandwich and sit in Dolores Park on a sunny day.", outputs))
        .isEqualTo(1);
    // sandwich, and, a: 3 of the 11 distinct words.
    assertThat(NeedleGrid.score("Buy a sandwich and run.", outputs)).isEqualTo(3.0 / 11);
    assertThat(NeedleGrid.score("", outputs)).isZero();
  }
}
