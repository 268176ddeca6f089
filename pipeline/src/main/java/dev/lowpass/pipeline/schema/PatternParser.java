package dev.lowpass.pipeline.schema;

import static dev.lowpass.pipeline.schema.Expression.UNBOUNDED;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Reads the regular expression of a {@code pattern}, in the part of ECMA-262's syntax (flag u) that
 * is regular: literals, {@code .}, character classes, {@code \d \w \s \p{..}}, groups, alternatives
 * and quantifiers. {@code ^} and {@code $} stand at the ends of the whole or of its alternatives.
 * Look-around, back-references and word boundaries are refused.
 */
final class PatternParser {
  /** What is wrong with a pattern. */
  static final class PatternException extends RuntimeException {
    PatternException(String message) {
      super(message);
    }
  }

  private static final int MAX_COUNT = 100_000;
  private static final String SYNTAX = "^$\\.*+?()[]{}|/";

  private static final CodePoints DIGITS = CodePoints.range('0', '9');
  private static final CodePoints WORD =
      DIGITS
          .union(CodePoints.range('a', 'z'))
          .union(CodePoints.range('A', 'Z'))
          .union(CodePoints.of("_"));
  private static final CodePoints SPACE =
      CodePoints.of("\t\n\u000b\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff")
          .union(CodePoints.range(0x2000, 0x200a));
  private static final CodePoints LINE_END = CodePoints.of("\n\r\u2028\u2029");

  private static final Pattern CATEGORY =
      Pattern.compile("\\{(L[ulmto]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?)\\}");

  /** The names of what {@link Character#getType(int)} gives. */
  private static final String[] CATEGORIES =
      ("Cn,Lu,Ll,Lt,Lm,Lo,Mn,Me,Mc,Nd,Nl,No,Zs,Zl,Zp,Cc,Cf,,Co,Cs,"
              + "Pd,Ps,Pe,Pc,Po,Sm,Sc,Sk,So,Pi,Pf")
          .split(",");

  private final String pattern;
  private final Expressions expressions;
  private int at;

  private PatternParser(String pattern, Expressions expressions) {
    this.pattern = pattern;
    this.expressions = expressions;
  }

  /**
   * The strings, as JSON spells them, in which a pattern is found.
   *
   * @throws PatternException if the pattern is not supported
   */
  static Expression parse(String pattern, Expressions expressions) {
    return new PatternParser(pattern, expressions).anywhere();
  }

  private Expression anywhere() {
    Expression any = expressions.star(JsonText.character(CodePoints.ALL, expressions));
    List<Expression> alternatives = new ArrayList<>();
    do {
      Expression before = accept('^') ? expressions.empty() : any;
      Expression found = sequence();
      Expression after = accept('$') ? expressions.empty() : any;
      alternatives.add(expressions.sequence(before, found, after));
    } while (accept('|'));
    if (at < pattern.length()) {
      throw fault(peek() == ')' ? "')' has no '('" : "'" + peek() + "' cannot stand here");
    }
    return expressions.union(alternatives);
  }

  private Expression alternatives() {
    List<Expression> alternatives = new ArrayList<>();
    do {
      alternatives.add(sequence());
    } while (accept('|'));
    return expressions.union(alternatives);
  }

  private Expression sequence() {
    List<Expression> terms = new ArrayList<>();
    while (at < pattern.length() && "|)^$".indexOf(peek()) < 0) {
      terms.add(quantified(atom()));
    }
    Expression sequence = expressions.empty();
    for (int i = terms.size() - 1; i >= 0; i--) {
      sequence = expressions.sequence(terms.get(i), sequence);
    }
    return sequence;
  }

  private Expression quantified(Expression atom) {
    Expression quantified;
    if (accept('*')) {
      quantified = expressions.star(atom);
    } else if (accept('+')) {
      quantified = expressions.repetition(atom, 1, UNBOUNDED);
    } else if (accept('?')) {
      quantified = expressions.optional(atom);
    } else if (accept('{')) {
      int min = count();
      int max = accept(',') ? (peek() == '}' ? UNBOUNDED : count()) : min;
      expect('}');
      if (max < min) {
        throw fault("a quantifier's maximum is below its minimum");
      }
      quantified = expressions.repetition(atom, min, max);
    } else {
      return atom;
    }
    accept('?'); // a reluctant quantifier has the same strings
    if (at < pattern.length() && "*+?{".indexOf(peek()) >= 0) {
      throw fault("'" + peek() + "' has nothing to repeat");
    }
    return quantified;
  }

  private int count() {
    int from = at;
    while (Character.isDigit(peek())) {
      at++;
    }
    if (at == from || at - from > 6 || Integer.parseInt(pattern, from, at, 10) > MAX_COUNT) {
      throw fault("a quantifier needs a number up to " + MAX_COUNT);
    }
    return Integer.parseInt(pattern, from, at, 10);
  }

  private Expression atom() {
    char c = peek();
    switch (c) {
      case '(' -> {
        at++;
        if (accept('?') && !accept(':') && !accept(Pattern.compile("<[A-Za-z_$][\\w$]*>"))) {
          throw fault("look-around '(?" + peek() + "' is not supported");
        }
        Expression group = alternatives();
        if (at < pattern.length() && (peek() == '^' || peek() == '$')) {
          throw fault("'" + peek() + "' within a group is not supported");
        }
        expect(')');
        return group;
      }
      case '[' -> {
        return characters(characterClass());
      }
      case '.' -> {
        at++;
        return characters(LINE_END.complement());
      }
      case '\\' -> {
        return characters(escape());
      }
      case '*', '+', '?', '{' -> throw fault("'" + c + "' has nothing to repeat");
      case ']', '}' -> throw fault("'" + c + "' must be escaped");
      default -> {
        return characters(CodePoints.of(Character.toString(character())));
      }
    }
  }

  private Expression characters(CodePoints characters) {
    return JsonText.character(characters, expressions);
  }

  private CodePoints characterClass() {
    expect('[');
    boolean negated = accept('^');
    CodePoints all = CodePoints.of("");
    while (!accept(']')) {
      boolean single = peek() != '\\' || "dDwWsSpP".indexOf(charAfter()) < 0;
      CodePoints first = classAtom();
      if (peek() == '-' && charAfter() != ']') {
        at++;
        boolean singleLast = peek() != '\\' || "dDwWsSpP".indexOf(charAfter()) < 0;
        CodePoints last = classAtom();
        if (!single || !singleLast || only(first) > only(last)) {
          throw fault("a range of a character class is not one from a lower to a higher character");
        }
        first = CodePoints.range(only(first), only(last));
      }
      all = all.union(first);
    }
    return negated ? all.complement() : all;
  }

  private static int only(CodePoints one) {
    return one.ranges().get(0).first();
  }

  private CodePoints classAtom() {
    return peek() == '\\' ? escape() : CodePoints.of(Character.toString(character()));
  }

  private CodePoints escape() {
    expect('\\');
    char c = peek();
    at++;
    return switch (c) {
      case 'd' -> DIGITS;
      case 'D' -> DIGITS.complement();
      case 'w' -> WORD;
      case 'W' -> WORD.complement();
      case 's' -> SPACE;
      case 'S' -> SPACE.complement();
      case 't' -> CodePoints.of("\t");
      case 'n' -> CodePoints.of("\n");
      case 'v' -> CodePoints.of("\u000b");
      case 'f' -> CodePoints.of("\f");
      case 'r' -> CodePoints.of("\r");
      case 'x' -> hexadecimal(2);
      case 'u' -> unicode();
      case 'p' -> category();
      case 'P' -> category().complement();
      default -> {
        if (SYNTAX.indexOf(c) >= 0 || c == '-') {
          yield CodePoints.of(String.valueOf(c));
        }
        throw fault("'\\" + c + "' is not supported");
      }
    };
  }

  private CodePoints unicode() {
    if (!accept('{')) {
      int high = hexadecimalValue(4);
      if (Character.isHighSurrogate((char) high)
          && accept(Pattern.compile("\\\\u(?=[dD][c-fC-F])"))) {
        int low = hexadecimalValue(4);
        return CodePoints.of(Character.toString(Character.toCodePoint((char) high, (char) low)));
      }
      return character(high);
    }
    int end = pattern.indexOf('}', at);
    if (end < 0) {
      throw fault("'\\u{' has no '}'");
    }
    CodePoints character = hexadecimal(end - at);
    expect('}');
    return character;
  }

  private CodePoints hexadecimal(int length) {
    return character(hexadecimalValue(length));
  }

  private CodePoints character(int codePoint) {
    if (codePoint > Character.MAX_CODE_POINT
        || (codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE)) {
      throw fault("an escape names no character");
    }
    return CodePoints.range(codePoint, codePoint);
  }

  private int hexadecimalValue(int length) {
    if (length < 1
        || length > 6
        || at + length > pattern.length()
        || !pattern.substring(at, at + length).matches("[0-9A-Fa-f]+")) {
      throw fault("an escape has no hexadecimal number");
    }
    int value = Integer.parseInt(pattern, at, at + length, 16);
    at += length;
    return value;
  }

  /** A general category of Unicode, such as {@code {L}} or {@code {Lu}}. */
  private CodePoints category() {
    int from = at;
    if (!accept(CATEGORY)) {
      throw fault("'\\p' is only supported with a general category of one or two letters");
    }
    String category = pattern.substring(from + 1, at - 1);
    return CodePoints.matching(c -> CATEGORIES[Character.getType(c)].startsWith(category));
  }

  private int character() {
    int character = pattern.codePointAt(at);
    at += Character.charCount(character);
    if (character >= Character.MIN_SURROGATE && character <= Character.MAX_SURROGATE) {
      throw fault("it has half a surrogate pair");
    }
    return character;
  }

  private char peek() {
    if (at >= pattern.length()) {
      throw fault("it ends too early");
    }
    return pattern.charAt(at);
  }

  private char charAfter() {
    return at + 1 < pattern.length() ? pattern.charAt(at + 1) : '\0';
  }

  private boolean accept(char c) {
    boolean accepted = at < pattern.length() && pattern.charAt(at) == c;
    at += accepted ? 1 : 0;
    return accepted;
  }

  private boolean accept(Pattern next) {
    var matcher = next.matcher(pattern).region(at, pattern.length());
    boolean accepted = matcher.lookingAt();
    at = accepted ? matcher.end() : at;
    return accepted;
  }

  private void expect(char c) {
    if (!accept(c)) {
      throw fault("'" + c + "' is missing");
    }
  }

  private PatternException fault(String message) {
    return new PatternException("the pattern '" + pattern + "' is not supported: " + message);
  }
}
