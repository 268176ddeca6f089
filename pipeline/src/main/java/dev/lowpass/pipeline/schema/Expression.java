package dev.lowpass.pipeline.schema;

import java.util.BitSet;
import java.util.List;

/**
 * A language of byte strings, as an expression. Its derivatives by bytes are the states of an
 * automaton, so an expression is a state too: what may still follow. Only {@link Expressions} makes
 * them, each only once, so that equal ones are the same object.
 */
final class Expression {
  /** How an expression is built of others. */
  enum Kind {
    /** No string at all. */
    NOTHING,
    /** The empty string. */
    EMPTY,
    /** One byte out of a set. */
    BYTE,
    /** The first part, then the second. */
    SEQUENCE,
    /** Any of its parts. */
    UNION,
    /** All of its parts at once. */
    INTERSECTION,
    /** Whatever its part is not. */
    COMPLEMENT,
    /** Its part from {@link #min} to {@link #max} times. */
    REPETITION,
    /** What {@link #target} is: how an expression contains itself. */
    REFERENCE
  }

  /** As {@link #max}: without end. */
  static final int UNBOUNDED = Integer.MAX_VALUE;

  final int id;
  final Kind kind;

  /** Of a BYTE. */
  final BitSet bytes;

  final List<Expression> parts;

  /** Of a REPETITION. */
  final int min;

  final int max;

  /** Whether the empty string is one of its strings. */
  final boolean nullable;

  /** Of a REFERENCE; set once. A reference is never nullable. */
  Expression target;

  /**
   * Which bytes have the same derivative: a number for each byte, as unsigned; null until asked
   * for.
   */
  byte[] classes;

  /** Derivatives by byte, null where there is none; null until asked for. */
  Expression[] row;

  /** Of an INTERSECTION: whether it has any string; null until that was found out. */
  Boolean live;

  Expression(
      int id, Kind kind, BitSet bytes, List<Expression> parts, int min, int max, boolean nullable) {
    this.id = id;
    this.kind = kind;
    this.bytes = bytes;
    this.parts = parts;
    this.min = min;
    this.max = max;
    this.nullable = nullable;
  }

  Expression part() {
    return parts.get(0);
  }
}
