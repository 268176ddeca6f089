package dev.lowpass.pipeline.evaluation.ruler;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;
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
    CompoundWords words = new CompoundWords(ADJECTIVES, NOUNS);
    assertThat(words.size()).isEqualTo(expected.size());
    assertThat(IntStream.range(0, words.size()).mapToObj(words::get))
        .containsExactlyElementsOf(expected);
    assertThat(words.list()).isEqualTo(new ArrayList<>(expected));
  }
}
