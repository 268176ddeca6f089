package dev.lowpass.pipeline.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EvidenceTest {
  /** What the evidence for a value reads; null where there is none. */
  private static String found(String document, Object value, String question) {
    return new Evidence(document)
        .of(value, String.valueOf(value), question)
        .map(span -> cut(document, span))
        .orElse(null);
  }

  private static String cut(String document, Evidence.Span span) {
    int begin = document.offsetByCodePoints(0, span.begin());
    return document.substring(begin, document.offsetByCodePoints(begin, span.end() - span.begin()));
  }

  /** Where the evidence begins. */
  private static int begin(String document, Object value, String question) {
    return new Evidence(document).of(value, String.valueOf(value), question).orElseThrow().begin();
  }

  @Test
  void aTextIsFoundAsItStands() {
    String document = "between Fern Studios Corp., as Licensor, and Sequoia Data Group.";
    assertThat(new Evidence(document).of("Sequoia Data Group", "?", ""))
        .contains(new Evidence.Span(45, 63));
    assertThat(found(document, "Acme", "")).isNull();
    assertThat(found(document, "", "")).isNull();
    assertThat(found(document, null, "")).isNull();
  }

  @Test
  void placesAreCountedInCodePoints() {
    // One character outside the basic plane: two chars, one code point.
    assertThat(new Evidence("\ud83d\udcc4 by Acme").of("Acme", "Acme", ""))
        .contains(new Evidence.Span(5, 9));
  }

  @Test
  void elseWhateverItsSpaceCaseQuotesAndDashes() {
    assertThat(found("the laws of the State\n of  New York apply", "state of new york", ""))
        .isEqualTo("State\n of  New York");
    assertThat(found("by O’Neill’s Ltd", "O'Neill's", "")).isEqualTo("O’Neill’s");
    assertThat(found("in 2019–2020 it", "2019-2020", "")).isEqualTo("2019–2020");
    assertThat(found("über alles", "ÜBER", "")).isEqualTo("über");
  }

  @Test
  void aTextStandsByItself() {
    assertThat(found("a northern note", "no", "")).isNull();
    assertThat(begin("not now, no.", "no", "")).isEqualTo(9);
    // Scripts without spaces between words.
    assertThat(
            found(
                "\u672c\u5951\u7ea6\u7531\u5317\u4eac\u516c\u53f8\u7b7e\u8ba2",
                "\u5317\u4eac\u516c\u53f8",
                ""))
        .isEqualTo("\u5317\u4eac\u516c\u53f8");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "438443 | shall pay US$438,443. | US$438,443",
        "438443.0 | shall pay 438.443,00 EUR | 438.443,00",
        "1500000 | some $1.5 million | $1.5",
        "28 | twenty-eight (28) days | 28",
        "-3 | a loss of -3 points | -3",
        "20 | section 120, 20 months | 20"
      })
  void aNumberIsFoundByWhatItMeans(BigDecimal value, String document, String expected) {
    assertThat(found(document, value, "")).isEqualTo(expected);
  }

  @Test
  void aNumberWithinAnotherIsNone() {
    assertThat(found("120 months, 2.20, A20", 20L, "")).isNull();
    assertThat(found("186000 in all", 186000.0, "")).isEqualTo("186000");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "2022-05-07",
        "7 May 2022",
        "May 7, 2022",
        "the 7th day of May, 2022",
        "Saturday, May 7th, 2022",
        "07.05.2022",
        "5/7/2022",
        "7th\nday of May 2022"
      })
  void aDateIsFoundInAnySpelling(String spelling) {
    assertThat(found("Signed in 2021, from " + spelling + " on.", LocalDate.of(2022, 5, 7), ""))
        .isEqualTo(spelling);
  }

  @Test
  void aTimeIsFoundAsItStandsOrByItsDate() {
    OffsetDateTime time = OffsetDateTime.parse("2022-05-07T10:00:00Z");
    Evidence evidence = new Evidence("on May 7, 2022 and at 2022-05-07T10:00:00Z");
    assertThat(evidence.of(time, "2022-05-07T10:00:00Z", "")).contains(new Evidence.Span(22, 42));
    assertThat(new Evidence("on May 7, 2022").of(time, "2022-05-07T10:00:00Z", ""))
        .contains(new Evidence.Span(3, 14));
  }

  @Test
  void aTruthValueIsNeverCopied() {
    assertThat(new Evidence("It is true.").of(true, "true", "Is it?")).isEqualTo(Optional.empty());
  }

  @Test
  void ofSeveralPlacesTheOneIsTakenThatTheQuestionSpeaksOf() {
    String document =
        "1) Invoices: Payment is due 30 days after the invoice date.\n\n"
            + "2) Termination: Notice of termination must be given 30 days before the end.\n\n"
            + "3) Acceptance: A deliverable is accepted after 30 days.";
    assertThat(begin(document, 30L, "payment_days Within how many days must an invoice be paid?"))
        .isEqualTo(document.indexOf("30"));
    assertThat(begin(document, 30L, "notice_days How many days of notice does terminating need?"))
        .isEqualTo(document.indexOf("30 days before"));
    assertThat(begin(document, 30L, "acceptanceDays")).isEqualTo(document.lastIndexOf("30"));
    assertThat(begin(document, 30L, "unrelated")).isEqualTo(document.indexOf("30"));
  }

  @Test
  void aLongDocumentIsReadInLittleTime() {
    String document = "On 1 May 2020 and 2 May 2020 they paid 7 and 8 to Acme. ".repeat(2000);
    Evidence evidence = new Evidence(document);
    String question = "Who paid what to whom on which day?";
    assertThat(evidence.of("Acme", "Acme", question)).isPresent();
    assertThat(evidence.of(8L, "8", question)).isPresent();
    assertThat(evidence.of(LocalDate.of(2020, 5, 2), "", question)).isPresent();
    assertThat(evidence.of("nothing of that", "", question)).isEmpty();
  }
}
