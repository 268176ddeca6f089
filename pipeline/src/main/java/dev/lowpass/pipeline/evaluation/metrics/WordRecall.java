package dev.lowpass.pipeline.evaluation.metrics;

import java.util.HashSet;
import java.util.Set;

/** The score of needle-in-a-haystack heat maps. */
public final class WordRecall {
  private WordRecall() {}

  /** The share of the reference's distinct words that stand in the answer, in lower case. */
  public static double score(String answer, String reference) {
    Set<String> wanted = words(reference);
    Set<String> found = words(answer);
    found.retainAll(wanted);
    return (double) found.size() / wanted.size();
  }

  private static Set<String> words(String text) {
    return new HashSet<>(PythonText.split(PythonText.lower(text)));
  }
}
