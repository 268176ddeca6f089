package dev.lowpass.udfs.settings;

import java.util.regex.Pattern;

/** The {@code spark.lowpass.*} keys: one for each option of the commands, and some of SQL's. */
public final class SettingKeys {
  /** Begins every key. */
  public static final String PREFIX = "spark.lowpass.";

  /** SQL's alone: what becomes of a text that cannot be answered. */
  public static final String ON_ERROR = "on-error";

  private static final Pattern OPTION = Pattern.compile("--([a-z][a-z-]*[a-z])");

  private SettingKeys() {}

  /** A message that speaks of options, for people who have keys. */
  public static String inKeys(String message) {
    return OPTION.matcher(message).replaceAll(option -> of(option.group(1)));
  }

  /**
   * The key that sets an option: {@code max-new-tokens} is {@code spark.lowpass.maxNewTokens}.
   *
   * @param option its name on the command line, without dashes
   */
  public static String of(String option) {
    StringBuilder key = new StringBuilder(PREFIX);
    boolean upper = false;
    for (char c : option.toCharArray()) {
      if (c == '-') {
        upper = true;
      } else {
        key.append(upper ? Character.toUpperCase(c) : c);
        upper = false;
      }
    }
    return key.toString();
  }
}
