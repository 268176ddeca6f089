package dev.lowpass.pipeline.schema;

import dev.lowpass.pipeline.schema.Expression.Kind;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What can be wrong with expressions that contain themselves. */
final class References {
  private References() {}

  /** Complains where a reference never gets to a byte, or never to an end. */
  static Optional<String> check(Collection<Expression> references) {
    for (Expression reference : references) {
      if (startsWith(reference.target, reference, new HashSet<>())) {
        return Optional.of("a '$ref' leads back to itself before any value begins");
      }
    }
    Set<Expression> ending = new HashSet<>();
    boolean more = true;
    while (more) {
      Map<Expression, Boolean> known = new HashMap<>();
      more = false;
      for (Expression reference : references) {
        more |= ends(reference.target, ending, known) && ending.add(reference);
      }
    }
    return ending.size() == references.size()
        ? Optional.empty()
        : Optional.of("a '$ref' requires itself without end, so no value can satisfy it");
  }

  /** Whether what {@code e} begins with can be a reference itself. */
  private static boolean startsWith(Expression e, Expression reference, Set<Expression> visited) {
    if (e == reference) {
      return true;
    }
    if (!visited.add(e)) {
      return false;
    }
    return switch (e.kind) {
      case REFERENCE -> startsWith(e.target, reference, visited);
      case SEQUENCE ->
          startsWith(e.part(), reference, visited)
              || (e.part().nullable && startsWith(e.parts.get(1), reference, visited));
      case UNION, REPETITION ->
          e.parts.stream().anyMatch(part -> startsWith(part, reference, visited));
      default -> false;
    };
  }

  /** Whether an expression has a string in which only references occur that have one. */
  private static boolean ends(
      Expression e, Set<Expression> ending, Map<Expression, Boolean> known) {
    Boolean before = known.get(e);
    if (before != null) {
      return before;
    }
    boolean ends =
        switch (e.kind) {
          case REFERENCE -> ending.contains(e);
          case SEQUENCE -> ends(e.part(), ending, known) && ends(e.parts.get(1), ending, known);
          case UNION -> e.parts.stream().anyMatch(part -> ends(part, ending, known));
          case REPETITION -> e.min == 0 || ends(e.part(), ending, known);
          default -> e.kind != Kind.NOTHING;
        };
    known.put(e, ends);
    return ends;
  }
}
