package dev.lowpass.jobs;

import dev.lowpass.udfs.settings.SettingKeys;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import picocli.CommandLine;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Where options get their values: the command line, else {@code spark.lowpass.<camelCase>} (from
 * {@code --conf}, or from spark-submit and its defaults file, which arrive as system properties),
 * else the option's default.
 */
final class OptionSources implements IDefaultValueProvider {
  private static final Set<String> NOT_KEYS = Set.of("--help", "--version", "--conf", "--master");

  private final Map<String, String> conf;

  /**
   * @param args the command line, of which {@code --conf} is read ahead of everything else
   */
  OptionSources(Map<?, ?> systemProperties, String... args) {
    conf = new TreeMap<>();
    systemProperties.forEach((key, value) -> conf.put(key.toString(), value.toString()));
    conf.putAll(confOf(args));
  }

  /** The {@code --conf key=value} of a command line. */
  private static Map<String, String> confOf(String... args) {
    Map<String, String> pairs = new LinkedHashMap<>();
    for (int i = 0; i < args.length; i++) {
      String pair = null;
      if (args[i].equals("--conf") && i + 1 < args.length) {
        pair = args[i + 1];
      } else if (args[i].startsWith("--conf=")) {
        pair = args[i].substring("--conf=".length());
      }
      if (pair != null && pair.contains("=")) {
        int end = pair.indexOf('=');
        pairs.put(pair.substring(0, end), pair.substring(end + 1));
      }
    }
    return pairs;
  }

  @Override
  public String defaultValue(ArgSpec argument) {
    return argument instanceof OptionSpec option && !NOT_KEYS.contains(option.longestName())
        ? conf.get(key(option))
        : null;
  }

  /**
   * The key that sets an option: {@code --max-new-tokens} is {@code spark.lowpass.maxNewTokens}.
   */
  static String key(OptionSpec option) {
    return SettingKeys.of(option.longestName().substring(2));
  }

  /** Where {@code option} has its value from: {@code command line}, a key, or {@code default}. */
  String origin(OptionSpec option, CommandLine.ParseResult parsed) {
    if (parsed.hasMatchedOption(option)) {
      return "command line";
    }
    return defaultValue(option) != null ? key(option) : "default";
  }

  /**
   * Refuses keys that no command has, which are most likely misspelt.
   *
   * @throws UsageException for the first such key
   */
  void checkKeys(CommandLine commands) {
    Set<String> known = new TreeSet<>();
    known.add(SettingKeys.of(SettingKeys.ON_ERROR));
    for (CommandLine command : commands.getSubcommands().values()) {
      command.getCommandSpec().options().forEach(option -> known.add(key(option)));
    }
    for (String key : conf.keySet()) {
      if (key.startsWith(SettingKeys.PREFIX) && !known.contains(key)) {
        throw new UsageException(key + ": no such key; there are: " + String.join(", ", known));
      }
    }
  }
}
