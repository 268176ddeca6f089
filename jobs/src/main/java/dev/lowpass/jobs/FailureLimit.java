package dev.lowpass.jobs;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * How many documents may fail.
 *
 * @param count the most; null where a share is given
 * @param share of the input's documents, 0 to 1
 */
record FailureLimit(Long count, double share) {
  /** Any number may. */
  static final FailureLimit NONE = new FailureLimit(Long.MAX_VALUE, 1);

  /** The most documents that may fail of {@code documents}. */
  long of(long documents) {
    return count != null ? count : (long) Math.floor(share * documents);
  }

  @Override
  public String toString() {
    if (count == null) {
      return String.valueOf(share);
    }
    return count == Long.MAX_VALUE ? "-" : count.toString();
  }

  /** Reads {@code 12}, {@code 5%} and {@code 0.05}. */
  static final class Converter implements ITypeConverter<FailureLimit> {
    private static final Pattern SHARE = Pattern.compile("(\\d*\\.?\\d+)%|(0?\\.\\d+|1\\.0*)");

    @Override
    public FailureLimit convert(String text) {
      if (text.matches("\\d{1,18}")) {
        return new FailureLimit(Long.valueOf(text), 0);
      }
      Matcher share = SHARE.matcher(text);
      if (share.matches()) {
        double value =
            share.group(1) != null
                ? Double.parseDouble(share.group(1)) / 100
                : Double.parseDouble(share.group(2));
        if (value <= 1) {
          return new FailureLimit(null, value);
        }
      }
      throw new TypeConversionException(
          "'" + text + "' is neither a number of documents nor a share such as 5% or 0.05");
    }
  }
}
