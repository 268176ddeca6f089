package dev.lowpass.pipeline.evaluation.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What Python's {@code str} and {@code re} do where Java's own methods differ. */
public final class PythonText {
  /** {@code string.punctuation}. */
  static final String PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

  /** {@code \d} of {@code re}: the decimal digits of any script. */
  private static final Pattern INTEGER = Pattern.compile("\\p{Nd}+");

  private PythonText() {}

  /** {@code str.isspace} of one character, which is also {@code \s}; all of them are in the BMP. */
  static boolean isSpace(int c) {
    return (c >= 0x09 && c <= 0x0D)
        || (c >= 0x1C && c <= 0x20)
        || c == 0x85
        || c == 0xA0
        || c == 0x1680
        || (c >= 0x2000 && c <= 0x200A)
        || c == 0x2028
        || c == 0x2029
        || c == 0x202F
        || c == 0x205F
        || c == 0x3000;
  }

  /** {@code str.split()}: the words between white space, none of them empty. */
  public static List<String> split(String text) {
    List<String> words = new ArrayList<>();
    int start = -1;
    for (int i = 0; i <= text.length(); i++) {
      boolean inWord = i < text.length() && !isSpace(text.charAt(i));
      if (inWord && start < 0) {
        start = i;
      } else if (!inWord && start >= 0) {
        words.add(text.substring(start, i));
        start = -1;
      }
    }
    return words;
  }

  /** {@code str.strip()}. */
  public static String strip(String text) {
    int from = 0;
    int to = text.length();
    while (from < to && isSpace(text.charAt(from))) {
      from++;
    }
    while (to > from && isSpace(text.charAt(to - 1))) {
      to--;
    }
    return text.substring(from, to);
  }

  /** {@code str.lower()}. */
  static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  /** {@code text.lstrip('\n').split('\n')}. */
  static List<String> linesAfterBlank(String text) {
    int from = 0;
    while (from < text.length() && text.charAt(from) == '\n') {
      from++;
    }
    return List.of(text.substring(from).split("\n", -1));
  }

  /** {@code re.findall(r'\d+', text)}. */
  static List<String> integers(String text) {
    List<String> found = new ArrayList<>();
    Matcher matcher = INTEGER.matcher(text);
    while (matcher.find()) {
      found.add(matcher.group());
    }
    return found;
  }

  /** The text without the characters of {@code unwanted}, all of them in the BMP. */
  static String without(String text, String unwanted) {
    StringBuilder kept = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      if (unwanted.indexOf(text.charAt(i)) < 0) {
        kept.append(text.charAt(i));
      }
    }
    return kept.toString();
  }
}
