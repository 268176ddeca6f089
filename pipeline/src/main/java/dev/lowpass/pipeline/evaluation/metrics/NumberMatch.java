package dev.lowpass.pipeline.evaluation.metrics;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The share of a prediction's whole numbers that are the right one, digit by digit. */
public final class NumberMatch {
  private static final Pattern PARAGRAPH = Pattern.compile("Paragraph (\\p{Nd}+)");
  private static final Pattern CHINESE_PARAGRAPH = Pattern.compile("段落(\\p{Nd}+)");

  private NumberMatch() {}

  /** LongBench's count score; the reference is the number. */
  public static double count(String prediction, String reference) {
    List<String> numbers = PythonText.integers(prediction);
    if (numbers.isEmpty()) {
      return 0;
    }
    return (double) numbers.stream().filter(reference::equals).count() / numbers.size();
  }

  /**
   * LongBench's retrieval score.
   *
   * @throws IllegalArgumentException if the reference has no {@code Paragraph N}
   */
  public static double paragraph(String prediction, String reference) {
    return count(prediction, number(PARAGRAPH, reference));
  }

  /**
   * LongBench's retrieval score in Chinese.
   *
   * @throws IllegalArgumentException if the reference has no {@code 段落N}
   */
  public static double chineseParagraph(String prediction, String reference) {
    return count(prediction, number(CHINESE_PARAGRAPH, reference));
  }

  private static String number(Pattern pattern, String reference) {
    Matcher matcher = pattern.matcher(reference);
    if (!matcher.find()) {
      throw new IllegalArgumentException(
          "the answer \"" + reference + "\" names no paragraph's number");
    }
    return matcher.group(1);
  }
}
