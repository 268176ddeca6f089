package dev.lowpass.pipeline.evaluation.ruler;

import java.util.List;
import java.util.regex.Pattern;

/**
 * Splits a text at white space behind a full stop, exclamation or question mark and ahead of a
 * capital. RULER does so with NLTK's trained Punkt model, which knows abbreviations: needles in an
 * essay may stand a sentence from where RULER's do.
 */
final class Sentences {
  private static final Pattern BOUNDARY = Pattern.compile("(?<=[.!?]) (?=\\p{Lu})");

  private Sentences() {}

  static List<String> split(String text) {
    return List.of(BOUNDARY.split(text));
  }
}
