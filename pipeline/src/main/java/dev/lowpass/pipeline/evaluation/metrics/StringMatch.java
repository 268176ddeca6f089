package dev.lowpass.pipeline.evaluation.metrics;

import java.util.List;
import java.util.regex.Pattern;

/** RULER's scores: which references stand in the answer, upper or lower case. */
public final class StringMatch {
  private static final Pattern CONTROL = Pattern.compile("[\\x00-\\x1F]");

  private StringMatch() {}

  /** The share of the references that do. */
  public static double all(String answer, List<String> references) {
    String text = prepared(answer);
    return references.stream().filter(r -> contains(text, r)).count() / (double) references.size();
  }

  /** 1 if any does, else 0. */
  public static double any(String answer, List<String> references) {
    String text = prepared(answer);
    return references.stream().anyMatch(r -> contains(text, r)) ? 1 : 0;
  }

  private static boolean contains(String text, String reference) {
    return text.contains(PythonText.lower(reference));
  }

  /** Every control character becomes a line end, also one within an answer. */
  private static String prepared(String answer) {
    String plain = CONTROL.matcher(PythonText.strip(answer)).replaceAll("\n");
    return PythonText.lower(PythonText.strip(plain));
  }
}
