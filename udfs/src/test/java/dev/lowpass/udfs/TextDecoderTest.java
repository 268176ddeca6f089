package dev.lowpass.udfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.pipeline.engine.DocumentException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TextDecoderTest {
  private static final String GERMAN =
      "Die Vergütung beträgt fünftausend Euro; sie ist für das ganze Jahr fällig. Änderungen bedürfen der Schriftform.";

  private static final String RUSSIAN =
      "Настоящий договор вступает в силу с даты его подписания и действует в течение одного года.";

  private static final String JAPANESE = "この契約は、署名の日に効力を生じ、一年間有効とする。料金は毎月末日までに支払うものとする。";

  private static DocumentText auto(byte[] bytes) {
    return TextDecoder.decode(bytes, "auto", Optional.empty());
  }

  private static void refused(byte[] bytes, String encoding, String message) {
    assertThatThrownBy(() -> TextDecoder.decode(bytes, encoding, Optional.empty()))
        .isInstanceOf(DocumentException.class)
        .hasMessage(message)
        .extracting(e -> ((DocumentException) e).type())
        .isEqualTo("input.encoding");
  }

  private static byte[] bytes(int... bytes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int b : bytes) {
      out.write(b);
    }
    return out.toByteArray();
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTF-8", "UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"})
  void aByteOrderMarkTells(String encoding) {
    byte[] marked = ("\uFEFF" + RUSSIAN).getBytes(Charset.forName(encoding));
    assertThat(auto(marked)).isEqualTo(new DocumentText(RUSSIAN, encoding));
    assertThat(TextDecoder.decode(marked, encoding, Optional.empty()).text()).isEqualTo(RUSSIAN);
  }

  @ParameterizedTest
  @ValueSource(strings = {"UTF-8", "UTF-16LE", "UTF-16BE"})
  void unicodeWithoutAMarkIsFound(String encoding) {
    assertThat(auto(GERMAN.getBytes(Charset.forName(encoding))))
        .isEqualTo(new DocumentText(GERMAN, encoding));
  }

  @ParameterizedTest
  @CsvSource({
    "ISO-8859-1, windows-1252",
    "windows-1252, windows-1252",
    "windows-1251, windows-1251",
    "KOI8-R, KOI8-R",
    "Shift_JIS, Shift_JIS",
    "EUC-JP, EUC-JP",
    "ISO-2022-JP, ISO-2022-JP"
  })
  void otherEncodingsAreFoundByTheirBytes(String encoding, String found) {
    String text =
        switch (found) {
          case "windows-1252" -> GERMAN;
          case "windows-1251", "KOI8-R" -> RUSSIAN;
          default -> JAPANESE;
        };
    assertThat(auto(text.getBytes(Charset.forName(encoding))))
        .isEqualTo(new DocumentText(text, found));
  }

  @Test
  void whatADocumentDeclaresComesBeforeAGuess() {
    byte[] latin2 = "Umowa między stronami".getBytes(Charset.forName("ISO-8859-2"));
    assertThat(TextDecoder.decode(latin2, "auto", TextDecoder.charset("iso-8859-2")))
        .isEqualTo(new DocumentText("Umowa między stronami", "ISO-8859-2"));
    // Many pages declare what they are not.
    assertThat(
            TextDecoder.decode(
                    GERMAN.getBytes(StandardCharsets.UTF_8), "auto", TextDecoder.charset("latin1"))
                .encoding())
        .isEqualTo("UTF-8");
    assertThat(TextDecoder.charset("no-such")).isEmpty();
    assertThat(TextDecoder.charset("..//")).isEmpty();
  }

  @Test
  void aGivenEncodingIsTakenAtItsWord() {
    assertThat(TextDecoder.decode(bytes('a', 0xe4), "iso-8859-1", Optional.empty()).text())
        .isEqualTo("aä");
    refused(
        bytes('o', 'k', 0xff, 'x'),
        "utf-8",
        "byte 2 (0xff) is not UTF-8; convert the document to UTF-8, or give its encoding (--encoding)");
    // A character cut off by the end, an overlong form, half a surrogate pair.
    for (byte[] broken :
        new byte[][] {bytes('a', 0xe2, 0x82), bytes(0xc0, 0x80), bytes(0xed, 0xa0, 0x80)}) {
      assertThatThrownBy(() -> TextDecoder.decode(broken, "utf-8", Optional.empty()))
          .hasMessageContaining("is not UTF-8");
    }
    assertThatThrownBy(() -> new DocumentFormat("no such", "auto"))
        .isInstanceOf(InputException.class)
        .hasMessage(
            "--encoding no such: there is no such encoding; give one such as utf-8, or auto");
  }

  @Test
  void brokenUtf8IsNoOtherEncoding() {
    byte[] broken = GERMAN.getBytes(StandardCharsets.UTF_8);
    broken[GERMAN.length() - 3] = (byte) 0xff;
    refused(
        broken,
        "auto",
        "byte %d (0xff) is not UTF-8; convert the document to UTF-8, or give its encoding (--encoding)"
            .formatted(GERMAN.length() - 3));
  }

  @Test
  void whatHasZerosIsNoText() {
    refused(
        bytes('G', 'I', 'F', 0, 1, 2, 3, 4, 5, 6, 0, 0xff),
        "auto",
        "byte 3 is 0, so this is no text; leave the file out, or give what it is (--text-type)");
  }
}
