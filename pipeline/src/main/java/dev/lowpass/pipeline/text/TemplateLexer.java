package dev.lowpass.pipeline.text;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Splits a template into text and tokens, and settles white space: {@code -} and {@code +} at a
 * tag, the newline after a block (trim_blocks), the blanks before one (lstrip_blocks).
 */
final class TemplateLexer {
  enum Kind {
    TEXT,
    OUTPUT_BEGIN,
    OUTPUT_END,
    BLOCK_BEGIN,
    BLOCK_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  /** One token; {@code text} is a string's value, not its spelling. */
  record Token(Kind kind, String text, int line) {
    boolean is(Kind expected, String value) {
      return kind == expected && text.equals(value);
    }

    String describe() {
      return switch (kind) {
        case END -> "end of template";
        case TEXT -> "text";
        default -> "'" + text + "'";
      };
    }
  }

  /** Longest first, so that the first that fits is the right one. */
  private static final List<String> OPERATORS =
      List.of(
          "**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{",
          "}", ">", "<", "=", ".", ":", "|", ",", ";");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int position;
  private int line = 1;
  private int counted;

  TemplateLexer(String template) {
    String unified = template.replace("\r\n", "\n").replace('\r', '\n');
    this.source = unified.endsWith("\n") ? unified.substring(0, unified.length() - 1) : unified;
  }

  List<Token> tokens() {
    while (position < source.length()) {
      int tag = nextTag();
      if (tag < 0) {
        add(Kind.TEXT, source.substring(position));
        position = source.length();
        break;
      }
      text(tag, source.charAt(tag + 1) != '{');
      switch (source.charAt(tag + 1)) {
        case '{' -> tag(tag, Kind.OUTPUT_BEGIN, Kind.OUTPUT_END, "}}");
        case '%' -> {
          if (!raw(tag)) {
            tag(tag, Kind.BLOCK_BEGIN, Kind.BLOCK_END, "%}");
          }
        }
        default -> comment(tag);
      }
    }
    add(Kind.END, "");
    return tokens;
  }

  private int nextTag() {
    for (int i = source.indexOf('{', position); i >= 0; i = source.indexOf('{', i + 1)) {
      if (i + 1 < source.length() && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return -1;
  }

  /** Emits the text before the tag at {@code tag}, less what the tag strips. */
  private void text(int tag, boolean block) {
    String text = source.substring(position, tag);
    char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
    if (sign == '-') {
      text = TemplateText.stripEnd(text);
    } else if (sign != '+' && block) {
      int lineStart = text.lastIndexOf('\n') + 1;
      boolean atLineStart = lineStart > 0 || position == 0 || source.charAt(position - 1) == '\n';
      if (atLineStart && text.substring(lineStart).chars().allMatch(c -> c == ' ' || c == '\t')) {
        text = text.substring(0, lineStart);
      }
    }
    if (!text.isEmpty()) {
      add(Kind.TEXT, text);
    }
    position = tag;
  }

  private void comment(int tag) {
    int end = source.indexOf("#}", tag + 2);
    if (end < 0) {
      throw error("the comment is not closed");
    }
    char sign = end > tag + 2 ? source.charAt(end - 1) : ' ';
    position = end + 2;
    afterTag(sign, true);
  }

  /** Skips what a closing tag swallows: all white space after {@code -}, or one newline. */
  private void afterTag(char sign, boolean block) {
    if (sign == '-') {
      while (position < source.length() && TemplateText.isSpace(source.charAt(position))) {
        position++;
      }
    } else if (sign != '+' && block && source.startsWith("\n", position)) {
      position++;
    }
  }

  /** Reads a raw block if there is one at {@code tag}; what it holds is text. */
  private boolean raw(int tag) {
    int[] open = keywordTag(tag, "raw");
    if (open == null) {
      return false;
    }
    position = open[0];
    afterTag((char) open[1], true);
    int body = position;
    for (int i = source.indexOf("{%", body); i >= 0; i = source.indexOf("{%", i + 2)) {
      int[] close = keywordTag(i, "endraw");
      if (close != null) {
        text(i, true);
        position = close[0];
        afterTag((char) close[1], true);
        return true;
      }
    }
    throw error("the raw block is not closed");
  }

  /** Where the tag {@code {% keyword %}} at {@code tag} ends, and its closing sign; or null. */
  private int[] keywordTag(int tag, String keyword) {
    int at = tag + 2;
    if (at < source.length() && (source.charAt(at) == '-' || source.charAt(at) == '+')) {
      at++;
    }
    at = skipSpace(at);
    if (!source.startsWith(keyword, at)) {
      return null;
    }
    at = skipSpace(at + keyword.length());
    char sign = at < source.length() ? source.charAt(at) : ' ';
    if (sign == '-' || sign == '+') {
      at++;
    }
    return source.startsWith("%}", at) ? new int[] {at + 2, sign} : null;
  }

  private int skipSpace(int from) {
    int at = from;
    while (at < source.length() && TemplateText.isSpace(source.charAt(at))) {
      at++;
    }
    return at;
  }

  private void tag(int begin, Kind beginKind, Kind endKind, String end) {
    add(beginKind, source.substring(begin, begin + 2));
    position = begin + 2;
    if (position < source.length() && "-+".indexOf(source.charAt(position)) >= 0) {
      position++;
    }
    Deque<Character> open = new ArrayDeque<>();
    while (true) {
      position = skipSpace(position);
      if (position >= source.length()) {
        throw error("the tag is not closed with '" + end + "'");
      }
      if (open.isEmpty()) {
        char sign = source.charAt(position);
        boolean signed =
            (sign == '-' || (sign == '+' && endKind == Kind.BLOCK_END))
                && source.startsWith(end, position + 1);
        if (signed || source.startsWith(end, position)) {
          add(endKind, end);
          position += end.length() + (signed ? 1 : 0);
          afterTag(signed ? sign : ' ', endKind == Kind.BLOCK_END);
          return;
        }
      }
      token(open);
    }
  }

  private void token(Deque<Character> open) {
    char c = source.charAt(position);
    if (c == '"' || c == '\'') {
      string(c);
    } else if (c >= '0' && c <= '9') {
      number();
    } else if (Character.isLetter(c) || c == '_') {
      int end = position;
      while (end < source.length() && isNamePart(source.charAt(end))) {
        end++;
      }
      add(Kind.NAME, source.substring(position, end));
      position = end;
    } else {
      for (String operator : OPERATORS) {
        if (source.startsWith(operator, position)) {
          balance(operator, open);
          add(Kind.OPERATOR, operator);
          position += operator.length();
          return;
        }
      }
      throw error("unexpected character '" + c + "'");
    }
  }

  private void balance(String operator, Deque<Character> open) {
    switch (operator) {
      case "(" -> open.push(')');
      case "[" -> open.push(']');
      case "{" -> open.push('}');
      case ")", "]", "}" -> {
        if (open.isEmpty() || open.pop() != operator.charAt(0)) {
          throw error("unexpected '" + operator + "'");
        }
      }
      default -> {}
    }
  }

  private void number() {
    int start = position;
    int end = digits(start);
    // In `content.0.role` the zero is an index, not the start of a fraction.
    boolean afterDot = start > 0 && source.charAt(start - 1) == '.';
    boolean real = false;
    if (!afterDot && end + 1 < source.length() && source.charAt(end) == '.' && isDigit(end + 1)) {
      end = digits(end + 1);
      real = true;
    }
    if (!afterDot && end < source.length() && "eE".indexOf(source.charAt(end)) >= 0) {
      int exponent = end + 1;
      if (exponent < source.length() && "+-".indexOf(source.charAt(exponent)) >= 0) {
        exponent++;
      }
      if (exponent < source.length() && isDigit(exponent)) {
        end = digits(exponent);
        real = true;
      }
    }
    if (end < source.length() && isNamePart(source.charAt(end))) {
      throw error("'" + source.substring(start, end + 1) + "' is not a supported number");
    }
    add(real ? Kind.FLOAT : Kind.INTEGER, source.substring(start, end).replace("_", ""));
    position = end;
  }

  private int digits(int from) {
    int end = from;
    while (end < source.length() && (isDigit(end) || source.charAt(end) == '_')) {
      end++;
    }
    return end;
  }

  private boolean isDigit(int at) {
    return source.charAt(at) >= '0' && source.charAt(at) <= '9';
  }

  private static boolean isNamePart(char c) {
    return Character.isLetterOrDigit(c) || c == '_';
  }

  private void string(char quote) {
    StringBuilder value = new StringBuilder();
    int at = position + 1;
    while (true) {
      if (at >= source.length()) {
        throw error("the string is not closed");
      }
      char c = source.charAt(at++);
      if (c == quote) {
        break;
      }
      if (c == '\\' && at < source.length()) {
        at = escape(at, value);
      } else {
        value.append(c);
      }
    }
    add(Kind.STRING, value.toString());
    position = at;
  }

  /** Appends what the escape sequence means whose letter is at {@code at}; returns what follows. */
  private int escape(int at, StringBuilder value) {
    char c = source.charAt(at);
    switch (c) {
      case 'n' -> value.append('\n');
      case 't' -> value.append('\t');
      case 'r' -> value.append('\r');
      case 'b' -> value.append('\b');
      case 'f' -> value.append('\f');
      case 'v' -> value.append('\u000b');
      case 'a' -> value.append('\u0007');
      case '0' -> value.append('\0');
      case '\\', '\'', '"' -> value.append(c);
      case '\n' -> {}
      case 'x' -> {
        return codePoint(at + 1, 2, value);
      }
      case 'u' -> {
        return codePoint(at + 1, 4, value);
      }
      case 'U' -> {
        return codePoint(at + 1, 8, value);
      }
      default -> {
        if (c == 'N' || (c >= '1' && c <= '7')) {
          throw error("the string escape '\\" + c + "' is not supported");
        }
        value.append('\\').append(c);
      }
    }
    return at + 1;
  }

  private int codePoint(int at, int digits, StringBuilder value) {
    try {
      value.appendCodePoint(Integer.parseInt(source.substring(at, at + digits), 16));
    } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
      throw error("wrong \\x, \\u or \\U escape in a string");
    }
    return at + digits;
  }

  private void add(Kind kind, String text) {
    for (; counted < position && counted < source.length(); counted++) {
      if (source.charAt(counted) == '\n') {
        line++;
      }
    }
    tokens.add(new Token(kind, text, line));
  }

  private TemplateException error(String message) {
    add(Kind.END, "");
    return TemplateException.at(line, message);
  }
}
