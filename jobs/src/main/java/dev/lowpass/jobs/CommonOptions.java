package dev.lowpass.jobs;

import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine.Option;

/** What every command has. */
final class CommonOptions {
  private static final String HADOOP = "spark.hadoop.";

  @Option(
      names = "--conf",
      paramLabel = "KEY=VALUE",
      description =
          "A setting of Spark, or spark.lowpass.<optionName>=<its value>. May be repeated.")
  private Map<String, String> conf = Map.of();

  @Option(names = "--verbose", description = "Show stack traces and Spark's own log.")
  private boolean verbose;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;

  Map<String, String> conf() {
    return conf;
  }

  boolean verbose() {
    return verbose;
  }

  /** Hadoop's settings as the {@code spark.hadoop.*} keys make them, for use without a session. */
  Configuration hadoop() {
    Map<String, String> keys = new TreeMap<>();
    System.getProperties().forEach((key, value) -> keys.put(key.toString(), value.toString()));
    keys.putAll(conf);
    Configuration hadoop = new Configuration();
    keys.forEach(
        (key, value) -> {
          if (key.startsWith(HADOOP)) {
            hadoop.set(key.substring(HADOOP.length()), value);
          }
        });
    return hadoop;
  }
}
