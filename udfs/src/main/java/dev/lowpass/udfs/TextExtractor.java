package dev.lowpass.udfs;

import java.io.IOException;
import java.util.Set;

/**
 * Reads files of formats that are not text. Found by {@link java.util.ServiceLoader}, so that a jar
 * that is given to Spark ({@code --jars}) adds formats; the jar {@code lowpass-tika} adds PDF and
 * Office. Thread-safe.
 */
public interface TextExtractor {
  /** What the names of its files end with, in lower case and without the point. */
  Set<String> suffixes();

  /**
   * A file's text as HTML: what {@link HtmlText} then makes readable text of.
   *
   * @param suffix one of {@link #suffixes}
   * @param most characters that it may have
   * @throws IOException if it cannot be read, or has more
   */
  String html(byte[] file, String suffix, int most) throws IOException;
}
