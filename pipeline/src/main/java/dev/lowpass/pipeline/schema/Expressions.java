package dev.lowpass.pipeline.schema;

import static dev.lowpass.pipeline.schema.Expression.UNBOUNDED;

import dev.lowpass.pipeline.schema.Expression.Kind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Makes expressions and derives them (Brzozowski, "Derivatives of regular expressions", 1964; Owens
 * et al., "Regular-expression derivatives re-examined", 2009, whose derivative classes are used).
 * Counted repetitions are counters, not copies, and a reference is entered where the input reaches
 * it, so the automaton is never built as a whole.
 *
 * <p>No expression that it returns is without strings, except {@link #nothing}: whoever follows
 * derivatives that are not {@code nothing} can always reach an end. For references the caller has
 * to see to that. Not thread-safe.
 */
final class Expressions {
  /** States that the search for a string of an intersection may visit. */
  private static final int MAX_SEARCH = 200_000;

  private record Key(Kind kind, BitSet bytes, List<Expression> parts, int min, int max) {}

  private final Map<Key, Expression> known = new HashMap<>();
  private int nextId;
  private int kept;
  private int keptCount;

  private final Expression nothing =
      known(Kind.NOTHING, null, List.of(), 0, 0, /* nullable= */ false);
  private final Expression empty = known(Kind.EMPTY, null, List.of(), 0, 0, /* nullable= */ true);

  /** The language without strings. */
  Expression nothing() {
    return nothing;
  }

  /** The language of the empty string. */
  Expression empty() {
    return empty;
  }

  Expression bytes(BitSet bytes) {
    return bytes.isEmpty()
        ? nothing
        : known(Kind.BYTE, bytes, List.of(), 0, 0, /* nullable= */ false);
  }

  /** One byte from {@code first} to {@code last}. */
  Expression range(int first, int last) {
    BitSet bytes = new BitSet(256);
    bytes.set(first, last + 1);
    return bytes(bytes);
  }

  /** The one string. */
  Expression literal(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    Expression literal = empty;
    for (int i = bytes.length - 1; i >= 0; i--) {
      literal = sequence(range(bytes[i] & 0xff, bytes[i] & 0xff), literal);
    }
    return literal;
  }

  Expression sequence(Expression first, Expression second) {
    if (first == nothing || second == nothing) {
      return nothing;
    }
    if (first == empty) {
      return second;
    }
    return second == empty
        ? first
        : known(
            Kind.SEQUENCE, null, List.of(first, second), 0, 0, first.nullable && second.nullable);
  }

  Expression sequence(Expression first, Expression second, Expression third) {
    return sequence(first, sequence(second, third));
  }

  Expression union(Expression... parts) {
    return union(List.of(parts));
  }

  Expression union(List<Expression> parts) {
    BitSet bytes = new BitSet(256);
    Set<Expression> distinct = new HashSet<>();
    for (Expression part : parts) {
      for (Expression one : part.kind == Kind.UNION ? part.parts : List.of(part)) {
        if (one.kind == Kind.BYTE) {
          bytes.or(one.bytes);
        } else if (one != nothing) {
          distinct.add(one);
        }
      }
    }
    if (!bytes.isEmpty()) {
      distinct.add(bytes(bytes));
    }
    if (distinct.size() < 2) {
      return distinct.isEmpty() ? nothing : distinct.iterator().next();
    }
    return known(
        Kind.UNION, null, ordered(distinct), 0, 0, distinct.stream().anyMatch(e -> e.nullable));
  }

  /** What all parts have in common; parts hold no references. */
  Expression intersection(Expression... parts) {
    return intersection(List.of(parts));
  }

  Expression intersection(List<Expression> parts) {
    Expression intersection = anyIntersection(parts);
    return intersection.kind != Kind.INTERSECTION || isLive(intersection) ? intersection : nothing;
  }

  /** An intersection that may turn out to have no strings. */
  private Expression anyIntersection(List<Expression> parts) {
    Set<Expression> distinct = new HashSet<>(parts);
    if (distinct.contains(nothing)) {
      return nothing;
    }
    distinct.removeIf(part -> part.kind == Kind.COMPLEMENT && part.part() == nothing);
    if (distinct.size() == 1) {
      return distinct.iterator().next();
    }
    return known(
        Kind.INTERSECTION,
        null,
        ordered(distinct),
        0,
        0,
        distinct.stream().allMatch(e -> e.nullable));
  }

  /** Every string that {@code part} does not have: to intersect with. */
  Expression complement(Expression part) {
    return known(Kind.COMPLEMENT, null, List.of(part), 0, 0, !part.nullable);
  }

  Expression repetition(Expression part, int min, int max) {
    if (max == 0 || part == empty) {
      return empty;
    }
    if (part == nothing) {
      return min == 0 ? empty : nothing;
    }
    if (min == 1 && max == 1) {
      return part;
    }
    int least = part.nullable ? 0 : min;
    return known(Kind.REPETITION, null, List.of(part), least, max, least == 0);
  }

  Expression optional(Expression part) {
    return repetition(part, 0, 1);
  }

  Expression star(Expression part) {
    return repetition(part, 0, UNBOUNDED);
  }

  /** An expression whose target will be set; its strings are not empty. */
  Expression reference() {
    return new Expression(nextId++, Kind.REFERENCE, null, List.of(), 0, 0, /* nullable= */ false);
  }

  private static List<Expression> ordered(Set<Expression> parts) {
    List<Expression> ordered = new ArrayList<>(parts);
    ordered.sort(Comparator.comparingInt(part -> part.id));
    return List.copyOf(ordered);
  }

  private Expression known(
      Kind kind, BitSet bytes, List<Expression> parts, int min, int max, boolean nullable) {
    return known.computeIfAbsent(
        new Key(kind, bytes, parts, min, max),
        key -> new Expression(nextId++, kind, bytes, parts, min, max, nullable));
  }

  /** How many expressions it holds besides those that are to be kept. */
  int derived() {
    return known.size() - keptCount;
  }

  /** Makes what there is by now outlast {@link #forgetDerivatives}. */
  void keep() {
    kept = nextId;
    keptCount = known.size();
  }

  /**
   * Forgets all derivatives. Who holds one may go on with it; it is only no longer the same object
   * as an equal one that is derived anew.
   */
  void forgetDerivatives() {
    for (Expression expression : known.values()) {
      expression.row = null;
    }
    known.values().removeIf(expression -> expression.id >= kept);
  }

  /** The derivatives of an expression by each byte; null where there is none. */
  Expression[] row(Expression expression) {
    if (expression.row == null) {
      byte[] classes = classes(expression);
      Expression[] row = new Expression[256];
      Expression[] derived = new Expression[256];
      for (int b = 0; b < 256; b++) {
        int of = classes[b] & 0xff;
        if (derived[of] == null) {
          derived[of] = derivative(expression, b);
        }
        row[b] = derived[of] == nothing ? null : derived[of];
      }
      expression.row = row;
    }
    return expression.row;
  }

  /** What may follow {@code b}. */
  Expression derivative(Expression e, int b) {
    return switch (e.kind) {
      case NOTHING, EMPTY -> nothing;
      case BYTE -> e.bytes.get(b) ? empty : nothing;
      case SEQUENCE -> {
        Expression second = e.parts.get(1);
        Expression rest = sequence(derivative(e.part(), b), second);
        yield e.part().nullable ? union(rest, derivative(second, b)) : rest;
      }
      case UNION -> union(derivatives(e, b));
      case INTERSECTION -> intersection(derivatives(e, b));
      case COMPLEMENT -> complement(derivative(e.part(), b));
      case REPETITION ->
          sequence(
              derivative(e.part(), b),
              repetition(
                  e.part(), Math.max(0, e.min - 1), e.max == UNBOUNDED ? UNBOUNDED : e.max - 1));
      case REFERENCE -> derivative(e.target, b);
    };
  }

  private List<Expression> derivatives(Expression expression, int b) {
    List<Expression> derivatives = new ArrayList<>(expression.parts.size());
    for (Expression part : expression.parts) {
      derivatives.add(derivative(part, b));
    }
    return derivatives;
  }

  private static byte[] classes(Expression e) {
    if (e.classes == null) {
      byte[] classes = new byte[256];
      switch (e.kind) {
        case NOTHING, EMPTY -> {}
        case BYTE -> e.bytes.stream().forEach(b -> classes[b] = 1);
        case SEQUENCE -> {
          refine(classes, classes(e.part()));
          if (e.part().nullable) {
            refine(classes, classes(e.parts.get(1)));
          }
        }
        case UNION, INTERSECTION, COMPLEMENT, REPETITION ->
            e.parts.forEach(part -> refine(classes, classes(part)));
        case REFERENCE -> refine(classes, classes(e.target));
      }
      e.classes = classes;
    }
    return e.classes;
  }

  /** Tells bytes apart that {@code finer} does. */
  private static void refine(byte[] classes, byte[] finer) {
    int[] pairs = new int[256];
    int count = 0;
    for (int b = 0; b < 256; b++) {
      int pair = classes[b] << 8 | (finer[b] & 0xff);
      int number = 0;
      while (number < count && pairs[number] != pair) {
        number++;
      }
      if (number == count) {
        pairs[count++] = pair;
      }
      classes[b] = (byte) number;
    }
  }

  /** Whether an intersection has any string: a search, nearest first. */
  private boolean isLive(Expression intersection) {
    if (intersection.live != null) {
      return intersection.live;
    }
    Map<Expression, Expression> reachedFrom = new HashMap<>();
    Deque<Expression> pending = new ArrayDeque<>();
    reachedFrom.put(intersection, intersection);
    pending.add(intersection);
    while (!pending.isEmpty()) {
      Expression state = pending.remove();
      if (state.nullable || Boolean.TRUE.equals(state.live) || state.kind != Kind.INTERSECTION) {
        for (; state != intersection; state = reachedFrom.get(state)) {
          state.live = true;
        }
        intersection.live = true;
        return true;
      }
      byte[] classes = classes(state);
      BitSet seen = new BitSet();
      for (int b = 0; b < 256; b++) {
        if (seen.get(classes[b] & 0xff)) {
          continue;
        }
        seen.set(classes[b] & 0xff);
        Expression next = anyIntersection(derivatives(state, b));
        if (next != nothing
            && !Boolean.FALSE.equals(next.live)
            && reachedFrom.putIfAbsent(next, state) == null) {
          pending.add(next);
        }
      }
      if (reachedFrom.size() > MAX_SEARCH) {
        throw new IllegalStateException(
            "more than " + MAX_SEARCH + " states to find out whether any value fits");
      }
    }
    reachedFrom.keySet().forEach(state -> state.live = false);
    return false;
  }

  /** Whether a byte string is one of an expression's. */
  boolean accepts(Expression expression, byte[] text) {
    Expression state = expression;
    for (byte b : text) {
      state = row(state)[b & 0xff];
      if (state == null) {
        return false;
      }
    }
    return state.nullable;
  }
}
