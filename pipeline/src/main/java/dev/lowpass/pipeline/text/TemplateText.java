package dev.lowpass.pipeline.text;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/** Python's string operations; positions and lengths count code points. */
final class TemplateText {
  private TemplateText() {}

  /** White space as Python's {@code str.isspace} sees it. */
  static boolean isSpace(int c) {
    return (c >= 0x09 && c <= 0x0d)
        || (c >= 0x1c && c <= 0x20)
        || c == 0x85
        || c == 0xa0
        || c == 0x1680
        || (c >= 0x2000 && c <= 0x200a)
        || c == 0x2028
        || c == 0x2029
        || c == 0x202f
        || c == 0x205f
        || c == 0x3000;
  }

  static String strip(String text) {
    return stripStart(stripEnd(text));
  }

  static String stripStart(String text) {
    int start = 0;
    while (start < text.length() && isSpace(text.charAt(start))) {
      start++;
    }
    return text.substring(start);
  }

  static String stripEnd(String text) {
    int end = text.length();
    while (end > 0 && isSpace(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(0, end);
  }

  /** Strips any of the given characters; white space where {@code characters} is null. */
  static String strip(String text, String characters, boolean start, boolean end) {
    int from = 0;
    int to = text.length();
    while (start && from < to) {
      int c = text.codePointAt(from);
      if (!strippable(c, characters)) {
        break;
      }
      from += Character.charCount(c);
    }
    while (end && to > from) {
      int c = text.codePointBefore(to);
      if (!strippable(c, characters)) {
        break;
      }
      to -= Character.charCount(c);
    }
    return text.substring(from, to);
  }

  private static boolean strippable(int c, String characters) {
    return characters == null ? isSpace(c) : characters.indexOf(c) >= 0;
  }

  static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  static List<Object> codePoints(String text) {
    List<Object> characters = new ArrayList<>();
    text.codePoints().forEach(c -> characters.add(Character.toString(c)));
    return characters;
  }

  /** {@code str.split()}: at runs of white space, at most {@code limit} times unless negative. */
  static List<Object> splitAtSpace(String text, long limit) {
    List<Object> parts = new ArrayList<>();
    int from = skip(text, 0, true);
    while (from < text.length()) {
      if (parts.size() == limit) {
        parts.add(stripEnd(text.substring(from)));
        break;
      }
      int end = skip(text, from, false);
      parts.add(text.substring(from, end));
      from = skip(text, end, true);
    }
    return parts;
  }

  private static int skip(String text, int from, boolean space) {
    int at = from;
    while (at < text.length() && isSpace(text.charAt(at)) == space) {
      at++;
    }
    return at;
  }

  static List<Object> split(String text, String separator, long limit) {
    List<Object> parts = new ArrayList<>();
    int from = 0;
    for (int at = text.indexOf(separator);
        at >= 0 && parts.size() != limit;
        at = text.indexOf(separator, from)) {
      parts.add(text.substring(from, at));
      from = at + separator.length();
    }
    parts.add(text.substring(from));
    return parts;
  }

  static List<Object> splitFromEnd(String text, String separator, long limit) {
    List<Object> parts = new ArrayList<>();
    int to = text.length();
    while (parts.size() != limit) {
      int at = text.lastIndexOf(separator, to - separator.length());
      if (at < 0) {
        break;
      }
      parts.add(text.substring(at + separator.length(), to));
      to = at;
    }
    parts.add(text.substring(0, to));
    Collections.reverse(parts);
    return parts;
  }

  static List<Object> lines(String text, boolean keepEnds) {
    List<Object> lines = new ArrayList<>();
    int from = 0;
    while (from < text.length()) {
      int end = from;
      while (end < text.length() && !isLineBreak(text.charAt(end))) {
        end++;
      }
      int next = end;
      if (next < text.length()) {
        next += text.startsWith("\r\n", next) ? 2 : 1;
      }
      lines.add(text.substring(from, keepEnds ? next : end));
      from = next;
    }
    return lines;
  }

  private static boolean isLineBreak(char c) {
    return (c >= 0x0a && c <= 0x0d)
        || (c >= 0x1c && c <= 0x1e)
        || c == 0x85
        || c == 0x2028
        || c == 0x2029;
  }

  /** {@code str.title}: a capital after anything that is not a letter. */
  static String title(String text) {
    StringBuilder title = new StringBuilder();
    boolean inWord = false;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      title.appendCodePoint(inWord ? Character.toLowerCase(c) : Character.toTitleCase(c));
      inWord = Character.isLetter(c);
      i += Character.charCount(c);
    }
    return title.toString();
  }

  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int c = text.codePointAt(0);
    return Character.toString(Character.toTitleCase(c))
        + lower(text.substring(Character.charCount(c)));
  }

  static String upper(String text) {
    return text.toUpperCase(Locale.ROOT);
  }

  static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }
}
