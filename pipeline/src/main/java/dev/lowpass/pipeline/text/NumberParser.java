package dev.lowpass.pipeline.text;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds the one number in a short text, or none where it is not clear which number is meant. */
final class NumberParser {
  private static final Pattern PLAIN = Pattern.compile("[-+]?\\d+(\\.\\d+)?([eE][-+]?\\d{1,3})?");

  /** Digits with separators inside, and what touches them on both sides. */
  private static final Pattern NUMBER =
      Pattern.compile(
          "(?<before>\\p{L}*)(?<sign>[-+−]?)(?<currency>[$€£¥]?)"
              + "(?<digits>\\d+(?:[.,'’ \\u00a0\\u202f]\\d+)*)(?<after>[\\p{L}\\d]*)");

  /** Three digits a group, all with the same separator. */
  private static final Pattern GROUPED =
      Pattern.compile("[1-9]\\d{0,2}(?:([.,'’ \\u00a0\\u202f])\\d{3})(?:\\1\\d{3})*");

  private static final Map<String, Integer> SCALES =
      Map.of("thousand", 3, "million", 6, "billion", 9, "trillion", 12);

  /** What is looked at around a number: longer than any scale or sign in words. */
  private static final int CONTEXT = 24;

  private NumberParser() {}

  /**
   * A number in a text.
   *
   * @param begin of its sign, currency or first digit, in chars
   * @param end behind its last digit
   */
  record Found(int begin, int end, BigDecimal value) {}

  /** The numbers of a text that have one clear value, in their order. */
  static List<Found> all(String text) {
    List<Found> all = new ArrayList<>();
    Matcher matcher = NUMBER.matcher(text);
    while (matcher.find()) {
      number(matcher, text)
          .ifPresent(value -> all.add(new Found(matcher.start(), matcher.end(), value)));
    }
    return all;
  }

  /**
   * The number that a text such as {@code 36 months}, {@code thirty-six (36)}, {@code $1,250.00} or
   * {@code 1.5 million} states; a percentage is the number before the sign.
   *
   * @param wholeOnly whether a whole number is wanted, so that {@code 1.250} could mean 1250
   */
  static Optional<BigDecimal> parse(String text, boolean wholeOnly) {
    if (PLAIN.matcher(text).matches() && !(wholeOnly && isGroupedByPoint(text))) {
      return Optional.of(new BigDecimal(text));
    }
    // In accounts, a number in parentheses is negative; elsewhere it is not.
    if (text.startsWith("(") && text.endsWith(")")) {
      return Optional.empty();
    }
    BigDecimal found = null;
    Matcher matcher = NUMBER.matcher(text);
    while (matcher.find()) {
      Optional<BigDecimal> number = number(matcher, text);
      if (number.isEmpty() || (found != null && found.compareTo(number.get()) != 0)) {
        return Optional.empty();
      }
      found = number.get();
    }
    return Optional.ofNullable(found);
  }

  private static boolean isGroupedByPoint(String text) {
    return text.matches("[-+]?[1-9]\\d{0,2}\\.\\d{3}");
  }

  private static Optional<BigDecimal> number(Matcher match, String text) {
    String before = match.group("before");
    // A currency's code may touch its number, or a country's its sign, as in US$; any other letter
    // makes it something else.
    String code = match.group("currency").isEmpty() ? "[A-Z]{3}" : "[A-Z]{1,3}";
    if (!(before.isEmpty() || before.matches(code)) || !match.group("after").isEmpty()) {
      return Optional.empty();
    }
    Optional<String> digits = withoutGroups(match.group("digits"));
    if (digits.isEmpty()) {
      return Optional.empty();
    }
    BigDecimal number = new BigDecimal(digits.get());
    int until = Math.min(text.length(), match.end() + CONTEXT);
    String rest = text.substring(match.end(), until).stripLeading().toLowerCase(Locale.ROOT);
    String next = rest.split("[^\\p{L}]", 2)[0];
    if (SCALES.containsKey(next)) {
      number = number.scaleByPowerOfTen(SCALES.get(next));
    } else if (next.equals("hundred") || next.equals("dozen") || next.equals("score")) {
      return Optional.empty();
    }
    int from = Math.max(0, match.start() - CONTEXT);
    String lead = text.substring(from, match.start()).stripTrailing().toLowerCase(Locale.ROOT);
    boolean negative =
        match.group("sign").equals("-")
            || match.group("sign").equals("−")
            || lead.endsWith("minus")
            || lead.endsWith("negative")
            || lead.matches("[-−][$€£¥]?");
    return Optional.of(negative ? number.negate() : number);
  }

  /** The digits with a decimal point at most; empty where a separator could mean either. */
  private static Optional<String> withoutGroups(String digits) {
    if (digits.matches("\\d+")) {
      return Optional.of(digits);
    }
    int last = Math.max(digits.lastIndexOf('.'), digits.lastIndexOf(','));
    if (GROUPED.matcher(digits).matches()) {
      // 1.250 may be a thousand and a quarter of one, or one and a quarter.
      if (last >= 0 && digits.indexOf('.') == last) {
        return Optional.empty();
      }
      return Optional.of(digits.replaceAll("\\D", ""));
    }
    if (last < 0) {
      return Optional.empty();
    }
    String whole = digits.substring(0, last);
    String fraction = digits.substring(last + 1);
    boolean clear =
        fraction.matches("\\d+")
            && (whole.matches("\\d+")
                || (GROUPED.matcher(whole).matches() && whole.indexOf(digits.charAt(last)) < 0));
    return clear ? Optional.of(whole.replaceAll("\\D", "") + "." + fraction) : Optional.empty();
  }
}
