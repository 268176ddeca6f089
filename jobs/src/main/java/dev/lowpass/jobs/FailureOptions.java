package dev.lowpass.jobs;

import dev.lowpass.udfs.DocumentLimits;
import dev.lowpass.udfs.settings.Durations;
import java.time.Duration;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** When a document fails, and how many may. */
final class FailureOptions {
  @Option(
      names = "--deadline",
      paramLabel = "TIME",
      converter = DurationConverter.class,
      description =
          "What one document may take from when the engine has it, such as 90s, 5m or 1h30m. Default: any.")
  private Duration deadline;

  @Option(
      names = "--max-input-tokens",
      paramLabel = "N",
      defaultValue = "0",
      description = "Longer prompts fail before they are read. Default: what the model takes.")
  private int maxInputTokens;

  @Option(
      names = "--max-failed",
      paramLabel = "N|SHARE",
      converter = FailureLimit.Converter.class,
      description =
          "Stop and exit with 3 as soon as more documents of the table failed: a number, or a share of the input such as 5%% or 0.05. Default: any number may.")
  private FailureLimit maxFailed = FailureLimit.NONE;

  @Option(
      names = "--retry-failed",
      description = "Also do again the documents whose row in the table says that they failed.")
  private boolean retryFailed;

  void check() {
    DocumentLimits.checkInputTokens(maxInputTokens);
  }

  DocumentLimits limits() {
    return new DocumentLimits(deadline, maxInputTokens);
  }

  FailureLimit maxFailed() {
    return maxFailed;
  }

  boolean retryFailed() {
    return retryFailed;
  }

  /** {@code 90s}, {@code 5m}, {@code 1h30m}, or ISO 8601's form. */
  static final class DurationConverter implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String text) {
      try {
        return Durations.parse(text);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }
}
