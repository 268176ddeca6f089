package dev.lowpass.pipeline.evaluation.metrics;

/** LongBench's score of a predicted line of code. */
public final class CodeSimilarity {
  private CodeSimilarity() {}

  /**
   * Compares the prediction's first line that is neither comment nor Markdown with the reference:
   * the similarity ratio of {@link SequenceMatcher}, in whole hundredths.
   */
  public static double score(String prediction, String reference) {
    String line =
        PythonText.linesAfterBlank(prediction).stream()
            .filter(l -> !l.contains("`") && !l.contains("#") && !l.contains("//"))
            .findFirst()
            .orElse("");
    return percent(line, reference) / 100.0;
  }

  /** {@code fuzz.ratio} of the Python package fuzzywuzzy, on top of difflib. */
  static int percent(String a, String b) {
    if (a.equals(b)) {
      return 100;
    }
    if (a.isEmpty() || b.isEmpty()) {
      return 0;
    }
    // As Python's round: a half goes to the even neighbour.
    return (int) Math.rint(100 * SequenceMatcher.ratio(a, b));
  }
}
