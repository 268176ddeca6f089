package dev.lowpass.jobs;

import picocli.CommandLine.Option;

/** What every command has. */
final class VerboseOption {
  @Option(names = "--verbose", description = "Show stack traces and Spark's own log.")
  private boolean verbose;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;

  boolean verbose() {
    return verbose;
  }
}
