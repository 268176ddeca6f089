package dev.lowpass.pipeline.text;

import dev.lowpass.pipeline.text.ExtractionField.Kind;
import dev.lowpass.pipeline.text.ExtractionField.Value;
import java.math.BigDecimal;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Reads a model's answer as a value of a field's kind, or says why it is none. */
final class AnswerParser {
  private static final Set<String> NOT_STATED = Set.of("null", "none", "not stated", "n/a");

  private static final String FENCE = "```";
  private static final String QUOTES = "\"\"''``“”‘’«»";

  /** An answer is short; what is longer is not searched for numbers or dates. */
  private static final int MAX_LENGTH = 1000;

  private static final int MAX_QUOTED = 60;

  private final ExtractionField field;

  AnswerParser(ExtractionField field) {
    this.field = field;
  }

  Value parse(String answer) {
    String text = unwrapped(answer);
    String plain = withoutPeriod(text);
    Optional<String> choice = choice(text).or(() -> choice(plain));
    if (choice.isPresent()) {
      return new Value(choice.get(), null);
    }
    if (text.isEmpty()) {
      return new Value(null, "the answer is empty");
    }
    if (NOT_STATED.contains(plain.toLowerCase(Locale.ROOT))) {
      return new Value(null, field.required() ? "required, but not stated" : null);
    }
    if (field.kind() == Kind.STRING) {
      return new Value(text, null);
    }
    if (plain.length() > MAX_LENGTH) {
      return none(text, "is too long");
    }
    return switch (field.kind()) {
      case INTEGER -> integer(plain);
      case NUMBER -> number(plain);
      case BOOLEAN -> truth(plain);
      case DATE ->
          DateParser.parse(plain)
              .map(date -> new Value(date, null))
              .orElseGet(() -> none(plain, "is not one clear date"));
      default -> none(text, "is not one of the choices");
    };
  }

  private static Value none(String answer, String why) {
    String line = answer.replaceAll("[\\p{Cntrl}\\s]+", " ");
    int end = Math.min(line.length(), MAX_QUOTED);
    if (end < line.length() && Character.isLowSurrogate(line.charAt(end))) {
      end--;
    }
    String shown = end < line.length() ? line.substring(0, end) + "..." : line;
    return new Value(null, "'" + shown + "' " + why);
  }

  /** The answer without the blanks, code fences and quotation marks around it. */
  private static String unwrapped(String answer) {
    String text = answer.strip();
    if (text.startsWith(FENCE)) {
      text = withoutFences(text);
    }
    for (int i = 0; i < QUOTES.length(); i += 2) {
      String open = QUOTES.substring(i, i + 1);
      String close = QUOTES.substring(i + 1, i + 2);
      if (text.length() >= 2
          && text.startsWith(open)
          && text.endsWith(close)
          && text.indexOf(close, 1) == text.length() - 1) {
        return text.substring(1, text.length() - 1).strip();
      }
    }
    return text;
  }

  /** What stands in a code block, whose first line may name a language. */
  private static String withoutFences(String text) {
    int lineEnd = text.indexOf('\n');
    boolean named = lineEnd > 0 && text.substring(FENCE.length(), lineEnd).matches("\\w*\\s*");
    String inside = text.substring(named ? lineEnd : FENCE.length());
    int close = inside.lastIndexOf(FENCE);
    return (close < 0 ? inside : inside.substring(0, close)).strip();
  }

  private static String withoutPeriod(String text) {
    return text.endsWith(".") ? text.substring(0, text.length() - 1).strip() : text;
  }

  private Optional<String> choice(String text) {
    return field.choices().stream()
        .filter(text::equals)
        .findFirst()
        .or(() -> field.choices().stream().filter(text::equalsIgnoreCase).findFirst());
  }

  private static Value integer(String text) {
    Optional<BigDecimal> number = NumberParser.parse(text, /* wholeOnly= */ true);
    if (number.isEmpty() || number.get().stripTrailingZeros().scale() > 0) {
      return none(text, "is not a whole number");
    }
    try {
      return new Value(number.get().longValueExact(), null);
    } catch (ArithmeticException e) {
      return none(text, "does not fit into 64 bits");
    }
  }

  private static Value number(String text) {
    Optional<BigDecimal> number = NumberParser.parse(text, /* wholeOnly= */ false);
    if (number.isEmpty()) {
      return none(text, "is not one clear number");
    }
    double value = number.get().doubleValue();
    return Double.isInfinite(value) ? none(text, "is too large a number") : new Value(value, null);
  }

  private static Value truth(String text) {
    // "Yes, it does" begins with its answer; "No party may" does not.
    return switch (text.toLowerCase(Locale.ROOT).split(",", 2)[0].strip()) {
      case "true", "yes" -> new Value(true, null);
      case "false", "no" -> new Value(false, null);
      default -> none(text, "is neither true nor false");
    };
  }
}
