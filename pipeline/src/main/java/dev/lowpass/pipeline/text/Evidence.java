package dev.lowpass.pipeline.text;

import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds the places of one document that values were copied from.
 *
 * <p>A text is looked for as it is, then whatever its white space, case, quotation marks and
 * dashes; a number or a date by what it means, in any of the spellings that answers may have. It
 * has to stand there by itself, not within a word. A truth value is never copied.
 *
 * <p>Of several places the one is taken whose neighbourhood shares most with the question: each
 * word of the question counts once, where it stands nearest to the place, less the farther away
 * that is, and less the more often the document has it. Of equals the first.
 */
public final class Evidence {
  /**
   * Code points {@code [begin, end)} of the document, counted from 0: {@code substring(text, begin
   * + 1, end - begin)} in Spark SQL.
   */
  public record Span(int begin, int end) {}

  /** A place, in chars. */
  private record Place(int begin, int end) {}

  /** Of an answer that occurs more often, the rest is not weighed. */
  private static final int MOST_PLACES = 1000;

  /** Words on each side of a place that are its neighbourhood. */
  private static final int NEIGHBOURS = 30;

  /** As many chars at the most. */
  private static final int NEIGHBOURHOOD = 300;

  /** Words that begin alike, such as terminate and termination, are taken for the same. */
  private static final int STEM = 5;

  private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{N}]+");
  private static final String QUOTES = "'\u2018\u2019\u201b`\u00b4\"\u201c\u201d\u201e\u00ab\u00bb";
  private static final String DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2212";

  private final String document;

  // Read when they are first needed.
  private List<NumberParser.Found> numbers;
  private List<DateParser.Found> dates;
  private Map<String, Integer> words;

  /** Of one document. */
  public Evidence(String document) {
    this.document = document;
  }

  /**
   * Where a value stands in the document, if anywhere.
   *
   * @param value a String, a Number, a LocalDate, an OffsetDateTime or a Boolean
   * @param answer what the model wrote for it
   * @param question what it was asked, and what the value is called
   */
  public Optional<Span> of(Object value, String answer, String question) {
    List<Place> places;
    if (value instanceof String text) {
      places = ofText(text);
    } else if (value instanceof Number number) {
      places = ofNumber(new BigDecimal(number.toString()));
    } else if (value instanceof LocalDate date) {
      places = ofDate(date);
    } else if (value instanceof OffsetDateTime time) {
      places = ofText(answer);
      places = places.isEmpty() ? ofDate(time.toLocalDate()) : places;
    } else {
      return Optional.empty();
    }
    if (places.isEmpty()) {
      return Optional.empty();
    }
    Place best = places.size() == 1 ? places.get(0) : best(places, stems(question));
    int begin = document.codePointCount(0, best.begin());
    return Optional.of(new Span(begin, begin + document.codePointCount(best.begin(), best.end())));
  }

  private List<Place> ofText(String answer) {
    String text = answer.strip();
    if (text.isEmpty()) {
      return List.of();
    }
    List<Place> exact = new ArrayList<>();
    for (int at = document.indexOf(text);
        at >= 0 && exact.size() < MOST_PLACES;
        at = document.indexOf(text, at + 1)) {
      add(exact, at, at + text.length());
    }
    if (!exact.isEmpty()) {
      return exact;
    }
    List<Place> alike = new ArrayList<>();
    Matcher matcher = tolerant(text).matcher(document);
    while (alike.size() < MOST_PLACES && matcher.find()) {
      add(alike, matcher.start(), matcher.end());
    }
    return alike;
  }

  /** A text whatever its white space, case, quotation marks and dashes. */
  private static Pattern tolerant(String text) {
    StringBuilder pattern = new StringBuilder();
    boolean blank = false;
    for (int c : text.codePoints().toArray()) {
      if (Character.isWhitespace(c) || Character.isSpaceChar(c)) {
        blank = true;
        continue;
      }
      pattern.append(blank ? "[\\s\\p{Z}]+" : "");
      blank = false;
      if (QUOTES.indexOf(c) >= 0) {
        pattern.append('[').append(QUOTES).append(']');
      } else if (DASHES.indexOf(c) >= 0) {
        pattern.append('[').append(DASHES).append(']');
      } else {
        pattern.append(Pattern.quote(Character.toString(c)));
      }
    }
    return Pattern.compile(pattern.toString(), Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE);
  }

  /** Adds a place, unless it is within a word. */
  private void add(List<Place> places, int begin, int end) {
    boolean starts = begin == 0 || !oneWord(document.codePointBefore(begin), begin);
    boolean ends = end == document.length() || !oneWord(document.codePointBefore(end), end);
    if (starts && ends) {
      places.add(new Place(begin, end));
    }
  }

  /** Whether a character and the one at {@code at}, behind it, are of one word. */
  private boolean oneWord(int before, int at) {
    return spelled(before) && spelled(document.codePointAt(at));
  }

  /** Whether a character is of a script that has spaces between its words. */
  private static boolean spelled(int character) {
    return Character.isLetterOrDigit(character)
        && switch (Character.UnicodeScript.of(character)) {
          case HAN, HIRAGANA, KATAKANA, THAI, LAO, KHMER, MYANMAR -> false;
          default -> true;
        };
  }

  private List<Place> ofNumber(BigDecimal value) {
    if (numbers == null) {
      numbers = NumberParser.all(document);
    }
    return numbers.stream()
        .filter(number -> number.value().compareTo(value) == 0)
        .map(number -> new Place(number.begin(), number.end()))
        .limit(MOST_PLACES)
        .toList();
  }

  private List<Place> ofDate(LocalDate value) {
    if (dates == null) {
      dates = DateParser.all(document);
    }
    return dates.stream()
        .filter(date -> date.readings().contains(value))
        .map(date -> new Place(date.begin(), date.end()))
        .limit(MOST_PLACES)
        .toList();
  }

  private Place best(List<Place> places, Set<String> question) {
    if (words == null) {
      words = new HashMap<>();
      Matcher word = WORD.matcher(document);
      while (word.find()) {
        words.merge(stem(word.group()), 1, Integer::sum);
      }
    }
    Place best = null;
    double most = -1;
    for (Place place : places) {
      double shared = shared(place, question);
      if (shared > most) {
        best = place;
        most = shared;
      }
    }
    return best;
  }

  /** What a place's neighbourhood shares with a question. */
  private double shared(Place place, Set<String> question) {
    Map<String, Integer> distances = new HashMap<>();
    List<String> before =
        stemsInOrder(document.substring(Math.max(0, place.begin() - NEIGHBOURHOOD), place.begin()));
    for (int i = 0; i < Math.min(NEIGHBOURS, before.size()); i++) {
      distances.merge(before.get(before.size() - 1 - i), i, Math::min);
    }
    List<String> after =
        stemsInOrder(
            document.substring(
                place.end(), Math.min(document.length(), place.end() + NEIGHBOURHOOD)));
    for (int i = 0; i < Math.min(NEIGHBOURS, after.size()); i++) {
      distances.merge(after.get(i), i, Math::min);
    }
    double shared = 0;
    for (String word : question) {
      Integer distance = distances.get(word);
      if (distance != null) {
        double near = 1 - distance / (double) NEIGHBOURS;
        // What a cut made of a word is none of the document's.
        shared += near / Math.sqrt(words.getOrDefault(word, 1));
      }
    }
    return shared;
  }

  private static Set<String> stems(String text) {
    // Of liability_cap and liabilityCap too.
    return new HashSet<>(stemsInOrder(text.replaceAll("(?<=\\p{Ll})(?=\\p{Lu})", " ")));
  }

  private static List<String> stemsInOrder(String text) {
    return WORD.matcher(text).results().map(word -> stem(word.group())).toList();
  }

  private static String stem(String word) {
    String lower = word.toLowerCase(Locale.ROOT);
    return lower.codePointCount(0, lower.length()) <= STEM
        ? lower
        : lower.substring(0, lower.offsetByCodePoints(0, STEM));
  }
}
