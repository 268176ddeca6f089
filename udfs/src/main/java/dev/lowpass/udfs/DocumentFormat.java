package dev.lowpass.udfs;

import java.io.Serializable;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.UnsupportedCharsetException;
import java.util.Locale;

/**
 * What documents are, as bytes.
 *
 * @param encoding of their text: a charset's name, or {@code auto} where each tells by itself
 * @param type what they are read as: what a file's name would end with, such as {@code html} or
 *     {@code pdf}; {@code text} for plain text and Markdown, or {@code auto} for what each file's
 *     name ends with, plain text in a table
 */
public record DocumentFormat(String encoding, String type) implements Serializable {
  public static final String AUTO = "auto";
  static final String TEXT = "text";

  /** Each document tells. */
  public static final DocumentFormat ANY = new DocumentFormat(AUTO, AUTO);

  /**
   * @throws InputException if there is no such encoding
   */
  public DocumentFormat {
    type = type.toLowerCase(Locale.ROOT);
    if (!encoding.equals(AUTO)) {
      try {
        Charset.forName(encoding);
      } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
        throw new InputException(
            "--encoding "
                + encoding
                + ": there is no such encoding; give one such as utf-8, or auto");
      }
    }
  }

  /** The same in an encoding. */
  DocumentFormat in(Charset encoding) {
    return new DocumentFormat(encoding.name(), type);
  }

  /** What a document of a name is read as. */
  String typeOf(String name) {
    return type.equals(AUTO)
        ? name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT)
        : type;
  }
}
