package dev.lowpass.pipeline.schema;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/**
 * Decimal numbers within bounds, as a language: {@code -?(0|[1-9][0-9]*)(\.[0-9]+)?}, never {@code
 * -0}, of at most 19 digits before the point.
 */
final class Decimals {
  /** As many as the largest 64-bit integer has. */
  static final int MAX_INTEGER_DIGITS = 19;

  /** Enough for any double that is not tiny. */
  static final int MAX_FRACTION_DIGITS = 20;

  private final Expressions expressions;
  private final Expression digit;
  private final Expression digits;
  private final Expression anyFraction;

  Decimals(Expressions expressions) {
    this.expressions = expressions;
    this.digit = expressions.range('0', '9');
    this.digits = expressions.star(digit);
    this.anyFraction =
        expressions.optional(expressions.sequence(expressions.range('.', '.'), digits));
  }

  /** A number as this language spells it. */
  static String plain(BigDecimal number) {
    return number.stripTrailingZeros().toPlainString();
  }

  /**
   * A bound of numbers.
   *
   * @param exclusive whether it is itself out of bounds
   */
  record Bound(BigDecimal value, boolean exclusive) {}

  /**
   * The numbers between two bounds; either may be null.
   *
   * @param fractionDigits how many digits may stand behind the point; 0 for integers
   */
  Expression between(Bound lower, Bound upper, int fractionDigits) {
    Expression one = expressions.range('1', '9');
    Expression integer =
        expressions.union(
            expressions.range('0', '0'),
            expressions.sequence(one, expressions.repetition(digit, 0, MAX_INTEGER_DIGITS - 1)));
    Expression fraction =
        expressions.sequence(
            expressions.range('.', '.'), expressions.repetition(digit, 1, fractionDigits));
    Expression shape =
        fractionDigits == 0
            ? integer
            : expressions.sequence(integer, expressions.optional(fraction));
    Bound least =
        upper == null || upper.value.signum() >= 0
            ? new Bound(BigDecimal.ZERO, /* exclusive= */ true)
            : negated(upper);
    return expressions.union(
        magnitudes(shape, lower, upper),
        expressions.sequence(
            expressions.range('-', '-'), magnitudes(shape, least, negated(lower))));
  }

  private static Bound negated(Bound bound) {
    return bound == null ? null : new Bound(bound.value.negate(), bound.exclusive);
  }

  /** Those numbers of a shape without sign that are within bounds. */
  private Expression magnitudes(Expression shape, Bound lower, Bound upper) {
    List<Expression> conditions = new ArrayList<>(List.of(shape));
    if (lower != null && lower.value.signum() >= 0) {
      conditions.add(atLeast(lower.value, lower.exclusive));
    }
    if (upper != null) {
      if (upper.value.signum() < 0) {
        return expressions.nothing();
      }
      conditions.add(expressions.complement(atLeast(upper.value, !upper.exclusive)));
    }
    return expressions.intersection(conditions);
  }

  /**
   * Numbers without sign from {@code bound} on, or above it. Their own shape is left open: to be
   * intersected with one.
   */
  private Expression atLeast(BigDecimal bound, boolean strictly) {
    String[] parts = plain(bound).split("\\.", 2);
    Expression equalInteger =
        expressions.sequence(
            expressions.literal(parts[0]),
            fractionFrom(parts.length > 1 ? parts[1] : "", strictly));
    return expressions.union(
        expressions.sequence(integerAbove(parts[0]), anyFraction), equalInteger);
  }

  private Expression integerAbove(String integer) {
    int length = integer.length();
    List<Expression> above = new ArrayList<>();
    above.add(
        expressions.sequence(
            expressions.range('1', '9'),
            expressions.repetition(digit, length, Expression.UNBOUNDED)));
    for (int i = 0; i < length; i++) {
      above.add(
          expressions.sequence(
              expressions.literal(integer.substring(0, i)),
              digitAbove(integer.charAt(i)),
              expressions.repetition(digit, length - i - 1, length - i - 1)));
    }
    return expressions.union(above);
  }

  private Expression digitAbove(char digit) {
    return digit == '9' ? expressions.nothing() : expressions.range(digit + 1, '9');
  }

  /** What follows an integer part that is the bound's own. */
  private Expression fractionFrom(String fraction, boolean strictly) {
    Expression from =
        strictly ? expressions.sequence(digits, expressions.range('1', '9'), digits) : digits;
    for (int i = fraction.length() - 1; i >= 0; i--) {
      char c = fraction.charAt(i);
      from =
          expressions.union(
              expressions.sequence(digitAbove(c), digits),
              expressions.sequence(expressions.range(c, c), from));
    }
    Expression behindPoint = expressions.sequence(expressions.range('.', '.'), from);
    return fraction.isEmpty() && !strictly ? anyFraction : behindPoint;
  }
}
