package dev.lowpass.pipeline.schema;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/**
 * The one spelling that each JSON value has: no white space; a character of a string stands for
 * itself in UTF-8, but those that JSON forbids there are escaped as in RFC 8785 ({@code \n}, {@code
 * \u001f}); numbers are plain decimals, without an exponent.
 */
final class JsonText {
  private static final int FIRST_UNESCAPED = 0x20;

  /** The largest characters that have one, two, three and four bytes in UTF-8. */
  private static final int[] LAST_OF_LENGTH = {0x7f, 0x7ff, 0xffff, Character.MAX_CODE_POINT};

  private JsonText() {}

  /** A value's spelling. */
  static String of(JsonNode value) {
    if (value.isTextual()) {
      return '"' + escaped(value.textValue()) + '"';
    }
    if (value.isNumber()) {
      return Decimals.plain(value.decimalValue());
    }
    if (value.isArray()) {
      return StreamSupport.stream(value.spliterator(), false)
          .map(JsonText::of)
          .collect(Collectors.joining(",", "[", "]"));
    }
    if (value.isObject()) {
      List<String> members = new ArrayList<>();
      for (Map.Entry<String, JsonNode> member : value.properties()) {
        members.add('"' + escaped(member.getKey()) + "\":" + of(member.getValue()));
      }
      return "{" + String.join(",", members) + "}";
    }
    return value.asText();
  }

  /** What stands between the quotation marks of a string. */
  static String escaped(String text) {
    StringBuilder escaped = new StringBuilder(text.length() + 8);
    text.codePoints().forEach(c -> escaped.append(spelled(c)));
    return escaped.toString();
  }

  private static String spelled(int character) {
    return switch (character) {
      case '"' -> "\\\"";
      case '\\' -> "\\\\";
      case '\b' -> "\\b";
      case '\t' -> "\\t";
      case '\n' -> "\\n";
      case '\f' -> "\\f";
      case '\r' -> "\\r";
      default ->
          character < FIRST_UNESCAPED
              ? "\\u00" + HexFormat.of().toHexDigits((byte) character)
              : Character.toString(character);
    };
  }

  /** Any one of some characters, as it is spelled within a string. */
  static Expression character(CodePoints characters, Expressions expressions) {
    List<Expression> spellings = new ArrayList<>();
    for (CodePoints.Range range : characters.ranges()) {
      int first = range.first();
      for (int c = first; c <= Math.min(range.last(), '\\'); c++) {
        if (c < FIRST_UNESCAPED || c == '"' || c == '\\') {
          spellings.add(expressions.literal(spelled(c)));
          if (first < c) {
            utf8(first, c - 1, expressions, spellings);
          }
          first = c + 1;
        }
      }
      if (first <= range.last()) {
        utf8(first, range.last(), expressions, spellings);
      }
    }
    return expressions.union(spellings);
  }

  /** Adds the UTF-8 of a range, split where its characters' lengths differ. */
  private static void utf8(int first, int last, Expressions expressions, List<Expression> out) {
    int from = first;
    for (int longest : LAST_OF_LENGTH) {
      if (from <= Math.min(last, longest)) {
        split(from, Math.min(last, longest), expressions, out);
        from = longest + 1;
      }
    }
  }

  /**
   * Adds a range of characters of one length, split so that each piece is a product of byte ranges:
   * after the first byte in which its ends differ, everything from 0x80 to 0xbf follows.
   */
  private static void split(int first, int last, Expressions expressions, List<Expression> out) {
    byte[] low = Character.toString(first).getBytes(StandardCharsets.UTF_8);
    byte[] high = Character.toString(last).getBytes(StandardCharsets.UTF_8);
    for (int i = 1; i < low.length; i++) {
      int mask = (1 << (6 * i)) - 1;
      if ((first & ~mask) != (last & ~mask)) {
        int cut =
            (first & mask) != 0 ? first | mask : (last & mask) != mask ? (last & ~mask) - 1 : -1;
        if (cut >= 0) {
          split(first, cut, expressions, out);
          split(cut + 1, last, expressions, out);
          return;
        }
      }
    }
    Expression piece = expressions.empty();
    for (int i = low.length - 1; i >= 0; i--) {
      piece = expressions.sequence(expressions.range(low[i] & 0xff, high[i] & 0xff), piece);
    }
    out.add(piece);
  }
}
