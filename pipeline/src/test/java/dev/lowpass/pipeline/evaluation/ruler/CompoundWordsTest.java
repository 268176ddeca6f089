package dev.lowpass.pipeline.evaluation.ruler;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class CompoundWordsTest {
  /** Some begin like others, some pairs come to the same, some characters sort below a hyphen. */
  private static final List<String> ADJECTIVES =
      List.of("red", "old", "old-fashioned", "ad hoc", "ad", "old-", "older", "red", "x-rated", "");

  private static final List<String> NOUNS = List.of("hoc", "fashioned-hat", "hat", "-hat", "a");

  @Test
  void allInOrderEachOnce() {
    TreeSet<String> expected = new TreeSet<>();
    ADJECTIVES.forEach(a -> NOUNS.forEach(n -> expected.add(a + "-" + n)));
    assertThat(new CompoundWords(ADJECTIVES, NOUNS)).containsExactlyElementsOf(expected);
  }
}
