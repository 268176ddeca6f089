package dev.lowpass.pipeline.evaluation.ruler;

import dev.lowpass.pipeline.evaluation.EvaluationException;
import java.util.List;
import java.util.regex.Pattern;

/** A text of any length: the words of a given one, over and over. */
public final class Haystack {
  private static final Pattern SPACE = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

  private final List<String> words;

  /**
   * @throws EvaluationException if the text is blank
   */
  public Haystack(String text) {
    if (text.isBlank()) {
      throw new EvaluationException("the text to hide needles in is empty");
    }
    words = List.of(SPACE.matcher(text).replaceAll(" ").split(" ", -1));
  }

  /** Its first {@code count} words. */
  String words(int count) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < count; i++) {
      text.append(i == 0 ? "" : " ").append(words.get(i % words.size()));
    }
    return text.toString().strip();
  }
}
