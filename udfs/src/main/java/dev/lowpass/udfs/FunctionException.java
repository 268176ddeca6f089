package dev.lowpass.udfs;

import dev.lowpass.udfs.settings.SettingKeys;
import java.util.Locale;
import java.util.Map;
import org.apache.spark.SparkThrowable;

/** A text that a SQL function cannot answer, in Spark's form of errors. */
public final class FunctionException extends RuntimeException implements SparkThrowable {
  private static final String CONDITION = "LOWPASS_DOCUMENT";

  /** Data exception. */
  private static final String STATE = "22000";

  /** As much of the text as tells which it is. */
  private static final int MOST_CHARACTERS = 40;

  private final String condition;
  private final Map<String, String> parameters;

  /**
   * @param function as SQL has it
   * @param type one of the output table's {@code error.type}s
   * @param message one line that says what to change
   */
  FunctionException(String function, String text, String type, String message) {
    super(
        "[%s] %s: %s. The text is \"%s\". For NULL instead, set %s to null. SQLSTATE: %s"
            .formatted(
                condition(type),
                function,
                SettingKeys.inKeys(message),
                beginning(text),
                SettingKeys.of(SettingKeys.ON_ERROR),
                STATE));
    this.condition = condition(type);
    this.parameters = Map.of("function", function, "message", message, "text", beginning(text));
  }

  private static String condition(String type) {
    return CONDITION + "." + type.replace('.', '_').toUpperCase(Locale.ROOT);
  }

  private static String beginning(String text) {
    String line = text.strip().replaceAll("\\s+", " ");
    return line.codePointCount(0, line.length()) <= MOST_CHARACTERS
        ? line
        : line.substring(0, line.offsetByCodePoints(0, MOST_CHARACTERS)) + "...";
  }

  @Override
  public String getCondition() {
    return condition;
  }

  @Override
  public String getSqlState() {
    return STATE;
  }

  @Override
  public Map<String, String> getMessageParameters() {
    return parameters;
  }
}
