package dev.lowpass.pipeline.text;

import java.time.DateTimeException;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Reads a date in the spellings that documents and models use, where it has only one meaning. */
final class DateParser {
  private static final List<String> MONTHS =
      List.of(
          "january",
          "february",
          "march",
          "april",
          "may",
          "june",
          "july",
          "august",
          "september",
          "october",
          "november",
          "december");

  private static final String DAY_OF_WEEK = "(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? )?";
  private static final String DAY = "(?<day>\\d{1,2})(?:st|nd|rd|th|\\.)?";
  private static final String MONTH = "(?<month>\\p{L}{3,9})\\.?";
  private static final String YEAR = "(?<year>\\d{4})";

  private static final Pattern YEAR_FIRST =
      Pattern.compile(
          YEAR + "([-/.])(?<month>\\d{1,2})\\2(?<day>\\d{1,2})(?:[t ]\\d{2}:\\d{2}.*)?");

  private static final Pattern MONTH_NAME_FIRST =
      Pattern.compile(DAY_OF_WEEK + MONTH + " " + DAY + "(?:,? )" + YEAR);

  private static final Pattern DAY_FIRST =
      Pattern.compile(
          DAY_OF_WEEK + "(?:the )?" + DAY + "(?: day)?(?: of)?[ -]" + MONTH + "(?:,? |-)" + YEAR);

  private static final Pattern YEAR_LAST =
      Pattern.compile("(?<first>\\d{1,2})([-/.])(?<second>\\d{1,2})\\2" + YEAR);

  /** The same within other text. */
  private static final List<Pattern> WITHIN =
      Stream.of(YEAR_FIRST, MONTH_NAME_FIRST, DAY_FIRST, YEAR_LAST)
          .map(Pattern::pattern)
          .map(pattern -> pattern.replace("(?:[t ]\\d{2}:\\d{2}.*)?", "").replace(" ", "\\s+"))
          .map(
              pattern ->
                  Pattern.compile(
                      "(?<![\\p{L}\\d])" + pattern + "(?![\\p{L}\\d])", Pattern.CASE_INSENSITIVE))
          .toList();

  private DateParser() {}

  /**
   * A date in a text.
   *
   * @param begin of its first character, in chars
   * @param end behind its last one
   * @param readings what it may mean: several where day and month may be either
   */
  record Found(int begin, int end, List<LocalDate> readings) {}

  /** The dates of a text, in all spellings that {@link #parse} knows. */
  static List<Found> all(String text) {
    List<Found> all = new ArrayList<>();
    for (Pattern pattern : WITHIN) {
      Matcher matcher = pattern.matcher(text);
      while (matcher.find()) {
        List<LocalDate> readings = readings(matcher.group());
        if (!readings.isEmpty()) {
          all.add(new Found(matcher.start(), matcher.end(), readings));
        }
      }
    }
    return all;
  }

  private static List<LocalDate> readings(String date) {
    Optional<LocalDate> clear = parse(date);
    Matcher either = YEAR_LAST.matcher(date);
    if (clear.isPresent() || !either.matches()) {
      return clear.stream().toList();
    }
    int year = Integer.parseInt(either.group("year"));
    int first = Integer.parseInt(either.group("first"));
    int second = Integer.parseInt(either.group("second"));
    try {
      return List.of(LocalDate.of(year, first, second), LocalDate.of(year, second, first));
    } catch (DateTimeException e) {
      return List.of();
    }
  }

  static Optional<LocalDate> parse(String text) {
    String date = text.toLowerCase(Locale.ROOT).replaceAll("\\s+", " ").strip();
    try {
      Matcher numeric = YEAR_FIRST.matcher(date);
      if (numeric.matches()) {
        return date(numeric, Integer.parseInt(numeric.group("month")));
      }
      for (Pattern pattern : List.of(MONTH_NAME_FIRST, DAY_FIRST)) {
        Matcher named = pattern.matcher(date);
        if (named.matches()) {
          return date(named, month(named.group("month")));
        }
      }
      return yearLast(date);
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }

  private static Optional<LocalDate> date(Matcher match, int month) {
    return Optional.of(
        LocalDate.of(
            Integer.parseInt(match.group("year")), month, Integer.parseInt(match.group("day"))));
  }

  /** The number of a month by its name or an abbreviation of at least three letters; 0 for none. */
  private static int month(String name) {
    for (int i = 0; i < MONTHS.size(); i++) {
      if (MONTHS.get(i).startsWith(name) || (i == 8 && name.equals("sept"))) {
        return i + 1;
      }
    }
    return 0;
  }

  /** Both orders of day and month are in use: clear only where one of them makes no date. */
  private static Optional<LocalDate> yearLast(String date) {
    Matcher match = YEAR_LAST.matcher(date);
    if (!match.matches()) {
      return Optional.empty();
    }
    int first = Integer.parseInt(match.group("first"));
    int second = Integer.parseInt(match.group("second"));
    if (first <= 12 && second <= 12 && first != second) {
      return Optional.empty();
    }
    int year = Integer.parseInt(match.group("year"));
    return Optional.of(LocalDate.of(year, Math.min(first, second), Math.max(first, second)));
  }
}
