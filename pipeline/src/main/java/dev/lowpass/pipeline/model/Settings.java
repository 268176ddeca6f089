package dev.lowpass.pipeline.model;

import java.util.List;
import java.util.Map;

/**
 * Settings as text, by the names that they have on the command line, without its dashes: {@code
 * cache-tokens}. What reads them says which there are and what they are when absent.
 */
public record Settings(Map<String, String> values) {
  public Settings {
    values = Map.copyOf(values);
  }

  public String text(String name, String defaultValue) {
    return values.getOrDefault(name, defaultValue);
  }

  /**
   * A whole number.
   *
   * @throws ModelException if it is not one
   */
  public int integer(String name, int defaultValue) {
    String value = values.get(name);
    try {
      return value == null ? defaultValue : Integer.parseInt(value.strip());
    } catch (NumberFormatException e) {
      throw new ModelException("--%s is '%s'; give a whole number".formatted(name, value), e);
    }
  }

  /**
   * A number.
   *
   * @throws ModelException if it is not one
   */
  public double number(String name, double defaultValue) {
    String value = values.get(name);
    try {
      return value == null ? defaultValue : Double.parseDouble(value.strip());
    } catch (NumberFormatException e) {
      throw new ModelException("--%s is '%s'; give a number".formatted(name, value), e);
    }
  }

  /** {@code value} if it is one of those there are, or else an error that names them. */
  public static String oneOf(String name, String value, List<String> known) {
    check(known.contains(value), "--%s is '%s'; use one of %s", name, value, join(known));
    return value;
  }

  /** Throws a {@link ModelException} with the message unless a condition holds. */
  public static void check(boolean condition, String message, Object... arguments) {
    if (!condition) {
      throw new ModelException(message.formatted(arguments));
    }
  }

  private static String join(List<String> known) {
    return String.join(", ", known);
  }
}
