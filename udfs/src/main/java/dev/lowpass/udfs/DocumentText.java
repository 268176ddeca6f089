package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.DocumentException;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The text of a document, of whatever format its bytes are.
 *
 * @param text not blank
 * @param encoding what the bytes were decoded by; null for formats that are not text
 */
record DocumentText(String text, String encoding) {
  /** Far beyond any model's window, and not too much for an executor's memory. */
  private static final int MAX_CHARACTERS = 32 << 20;

  private static final Set<String> HTML = Set.of("html", "htm", "xhtml");

  /** Formats that need a {@link TextExtractor}, whether there is one or not. */
  private static final Set<String> NOT_TEXT =
      Set.of("pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "rtf", "msg");

  /** Where a page says what its encoding is; as ISO-8859-1, in its first bytes. */
  private static final Pattern DECLARED =
      Pattern.compile("(?:charset|encoding)\\s*=\\s*[\"']?([\\w.:-]+)", Pattern.CASE_INSENSITIVE);

  private static final int DECLARED_WITHIN = 1024;

  /** By class loader: a task's has the jars that were given to Spark. */
  private static final Map<ClassLoader, List<TextExtractor>> EXTRACTORS = new ConcurrentHashMap<>();

  /**
   * Reads a document.
   *
   * @param name the file's, without what compression added to it; empty where there is none
   * @throws DocumentException if it has no text, or is not what it should be
   */
  static DocumentText of(byte[] content, String name, DocumentFormat format) {
    String type = format.typeOf(name);
    DocumentText read;
    if (HTML.contains(type)) {
      read = html(content, format.encoding());
    } else {
      Optional<TextExtractor> extractor = extractor(type);
      if (extractor.isPresent()) {
        read = new DocumentText(HtmlText.of(extract(extractor.get(), content, type)), null);
      } else if (NOT_TEXT.contains(type)) {
        throw new DocumentException(
            Failure.UNREADABLE,
            "reading %s files takes the module lowpass-tika; give Spark its jar (--conf spark.jars=lowpass-tika.jar)"
                .formatted(type));
      } else {
        read = TextDecoder.decode(content, format.encoding(), Optional.empty());
      }
    }
    if (read.text().isBlank()) {
      throw new DocumentException(Failure.EMPTY, "the document has no text; fill or remove it");
    }
    return read;
  }

  private static DocumentText html(byte[] content, String encoding) {
    if (content.length > MAX_CHARACTERS) {
      throw new DocumentException(
          Failure.TOO_LONG,
          "the page has %,d bytes, and at most %,d are read; split it"
              .formatted(content.length, MAX_CHARACTERS));
    }
    DocumentText page = TextDecoder.decode(content, encoding, declared(content));
    return new DocumentText(HtmlText.of(page.text()), page.encoding());
  }

  private static Optional<Charset> declared(byte[] page) {
    int length = Math.min(page.length, DECLARED_WITHIN);
    Matcher matcher = DECLARED.matcher(new String(page, 0, length, StandardCharsets.ISO_8859_1));
    return matcher.find() ? TextDecoder.charset(matcher.group(1)) : Optional.empty();
  }

  private static String extract(TextExtractor extractor, byte[] content, String type) {
    try {
      return extractor.html(content, type, MAX_CHARACTERS);
    } catch (IOException | RuntimeException | LinkageError | StackOverflowError e) {
      // The libraries that read these formats fail in many ways, and all of them are the file's.
      throw new DocumentException(
          Failure.UNREADABLE,
          "the %s file cannot be read: %s".formatted(type.toUpperCase(Locale.ROOT), message(e)));
    }
  }

  private static String message(Throwable e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }

  private static Optional<TextExtractor> extractor(String type) {
    return EXTRACTORS
        .computeIfAbsent(
            Thread.currentThread().getContextClassLoader(),
            loader ->
                ServiceLoader.load(TextExtractor.class, loader).stream()
                    .map(ServiceLoader.Provider::get)
                    .toList())
        .stream()
        .filter(of -> of.suffixes().contains(type))
        .findFirst();
  }
}
