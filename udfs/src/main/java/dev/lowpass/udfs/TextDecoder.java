package dev.lowpass.udfs;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.lowpass.pipeline.engine.DocumentException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.IllegalCharsetNameException;
import java.util.Optional;
import java.util.stream.IntStream;
import org.mozilla.universalchardet.UniversalDetector;

/**
 * Makes text of bytes, strictly: what is not in the encoding is an error, never replaced.
 *
 * <p>Where the encoding is not given it is, in this order: what a byte order mark says; UTF-8, if
 * it is valid; UTF-16, if nearly every other byte is 0; what the document declares; what its bytes'
 * frequencies tell Mozilla's detector. What has other bytes that are 0 is no text, and what is
 * mostly UTF-8 is broken UTF-8, in no other encoding.
 */
final class TextDecoder {
  private static final char BYTE_ORDER_MARK = '\uFEFF';
  private static final char ESCAPE = 0x1b;

  /** Bytes that are looked at where frequencies count. */
  private static final int SAMPLE = 1 << 20;

  /** In less, the frequency of bytes that are 0 tells nothing. */
  private static final int FEWEST_OF_UTF16 = 8;

  private TextDecoder() {}

  /**
   * Decodes a document.
   *
   * @param encoding a charset's name, or {@link DocumentFormat#AUTO}
   * @param declared what the document says of itself
   * @throws DocumentException if it is not in the encoding, or in none that is clear
   */
  static DocumentText decode(byte[] bytes, String encoding, Optional<Charset> declared) {
    if (!encoding.equals(DocumentFormat.AUTO)) {
      return in(Charset.forName(encoding), bytes);
    }
    Optional<Charset> marked = marked(bytes);
    if (marked.isPresent()) {
      return in(marked.get(), bytes);
    }
    Decoding utf8 = new Decoding(UTF_8, bytes);
    if (utf8.whole() && !utf8.text.contains("\0")) {
      // Encodings of seven bits are valid UTF-8 too.
      Optional<Charset> escaped =
          utf8.text.indexOf(ESCAPE) >= 0 ? detected(bytes, 0) : Optional.empty();
      return in(escaped.orElse(UTF_8), bytes);
    }
    int zero = indexOfZero(bytes);
    if (zero >= 0) {
      return in(utf16(bytes).orElseThrow(() -> noText(zero)), bytes);
    }
    if (declared.isPresent() && new Decoding(declared.get(), bytes).whole()) {
      return in(declared.get(), bytes);
    }
    if (mostlyUtf8(bytes, utf8.end)) {
      return in(UTF_8, bytes);
    }
    Charset charset =
        detected(bytes, Math.max(0, utf8.end - SAMPLE / 2))
            .filter(found -> new Decoding(found, bytes).whole())
            .orElse(UTF_8);
    return in(charset, bytes);
  }

  /**
   * The charset that a document means by a name: as browsers do, windows-1252 for ISO-8859-1 and
   * ASCII, of which it is an extension.
   */
  static Optional<Charset> charset(String name) {
    try {
      String label = name.matches("(?i)iso-8859-1|latin1|us-ascii|ascii") ? "windows-1252" : name;
      return Charset.isSupported(label) ? Optional.of(Charset.forName(label)) : Optional.empty();
    } catch (IllegalCharsetNameException e) {
      return Optional.empty();
    }
  }

  private static DocumentText in(Charset charset, byte[] bytes) {
    Decoding decoding = new Decoding(charset, bytes);
    if (!decoding.whole()) {
      throw new DocumentException(
          Failure.ENCODING,
          "byte %d (0x%02x) is not %s; convert the document to UTF-8, or give its encoding (--encoding)"
              .formatted(decoding.end, bytes[decoding.end], charset.name()));
    }
    String text = decoding.text;
    boolean marked = !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK;
    return new DocumentText(marked ? text.substring(1) : text, charset.name());
  }

  private static DocumentException noText(int zero) {
    return new DocumentException(
        Failure.ENCODING,
        "byte %d is 0, so this is no text; leave the file out, or give what it is (--text-type)"
            .formatted(zero));
  }

  /** What a byte order mark says. */
  private static Optional<Charset> marked(byte[] bytes) {
    if (startsWith(bytes, 0xef, 0xbb, 0xbf)) {
      return Optional.of(UTF_8);
    }
    // Before UTF-16's, with which it begins.
    if (startsWith(bytes, 0xff, 0xfe, 0, 0)) {
      return Optional.of(Charset.forName("UTF-32LE"));
    }
    if (startsWith(bytes, 0, 0, 0xfe, 0xff)) {
      return Optional.of(Charset.forName("UTF-32BE"));
    }
    if (startsWith(bytes, 0xff, 0xfe)) {
      return Optional.of(Charset.forName("UTF-16LE"));
    }
    return startsWith(bytes, 0xfe, 0xff)
        ? Optional.of(Charset.forName("UTF-16BE"))
        : Optional.empty();
  }

  private static boolean startsWith(byte[] bytes, int... first) {
    return bytes.length >= first.length
        && IntStream.range(0, first.length).allMatch(i -> (bytes[i] & 0xff) == first[i]);
  }

  private static int indexOfZero(byte[] bytes) {
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == 0) {
        return i;
      }
    }
    return -1;
  }

  /** UTF-16 without a mark: most of its characters are ASCII, half of whose bytes are 0. */
  private static Optional<Charset> utf16(byte[] bytes) {
    int length = Math.min(bytes.length, SAMPLE) & ~1;
    int[] zeros = new int[2];
    for (int i = 0; i < length; i++) {
      zeros[i & 1] += bytes[i] == 0 ? 1 : 0;
    }
    if (length < FEWEST_OF_UTF16 || Math.max(zeros[0], zeros[1]) < length * 0.35) {
      return Optional.empty();
    }
    Charset charset = Charset.forName(zeros[1] > zeros[0] ? "UTF-16LE" : "UTF-16BE");
    boolean either = Math.min(zeros[0], zeros[1]) > length * 0.01;
    return either ? Optional.empty() : Optional.of(charset);
  }

  /** Whether more characters beyond ASCII are valid UTF-8 than not. */
  private static boolean mostlyUtf8(byte[] bytes, int firstBad) {
    int from = Math.max(0, firstBad - SAMPLE / 2);
    ByteBuffer in = ByteBuffer.wrap(bytes, from, Math.min(bytes.length - from, SAMPLE));
    CharBuffer out = CharBuffer.allocate(in.remaining());
    CharsetDecoder decoder = strict(UTF_8);
    int bad = 0;
    while (true) {
      CoderResult result = decoder.decode(in, out, /* endOfInput= */ true);
      if (!result.isError()) {
        break;
      }
      bad++;
      in.position(in.position() + result.length());
    }
    long good =
        out.flip().chars().filter(c -> c > 0x7f && !Character.isLowSurrogate((char) c)).count();
    return good > bad;
  }

  private static Optional<Charset> detected(byte[] bytes, int from) {
    UniversalDetector detector = new UniversalDetector();
    detector.handleData(bytes, from, Math.min(bytes.length - from, SAMPLE));
    detector.dataEnd();
    return Optional.ofNullable(detector.getDetectedCharset()).flatMap(TextDecoder::charset);
  }

  private static CharsetDecoder strict(Charset charset) {
    return charset
        .newDecoder()
        .onMalformedInput(CodingErrorAction.REPORT)
        .onUnmappableCharacter(CodingErrorAction.REPORT);
  }

  /** How far bytes are of a charset. */
  private static final class Decoding {
    /** Null if not all of them are. */
    private final String text;

    /** The first byte that is not; the bytes' end if all are. */
    private final int end;

    Decoding(Charset charset, byte[] bytes) {
      CharsetDecoder decoder = strict(charset);
      ByteBuffer in = ByteBuffer.wrap(bytes);
      CharBuffer out =
          CharBuffer.allocate((int) Math.ceil(bytes.length * (double) decoder.maxCharsPerByte()));
      CoderResult result = decoder.decode(in, out, /* endOfInput= */ true);
      if (!result.isError()) {
        result = decoder.flush(out);
      }
      end = in.position();
      text = result.isError() ? null : out.flip().toString();
    }

    boolean whole() {
      return text != null;
    }
  }
}
