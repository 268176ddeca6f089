package dev.lowpass.pipeline.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.pipeline.text.ExtractionField.Kind;
import dev.lowpass.pipeline.text.ExtractionField.Value;
import java.time.LocalDate;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ExtractionFieldTest {
  private static ExtractionField field(Kind kind) {
    return field(kind, /* required= */ false);
  }

  private static ExtractionField field(Kind kind, boolean required) {
    List<String> choices =
        kind == Kind.ENUM ? List.of("New York", "Delaware", "U.S.", "none of these") : List.of();
    return new ExtractionField("x", kind, "?", choices, required);
  }

  private static void parses(Kind kind, String answer, Object value) {
    assertThat(field(kind).parse(answer)).as(answer).isEqualTo(new Value(value, null));
  }

  private static void refuses(Kind kind, String answer, String why) {
    assertThat(field(kind).parse(answer))
        .as(answer)
        .isEqualTo(new Value(null, "'" + answer.strip() + "' " + why));
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void aValueThatIsNotStatedIsNull(Kind kind) {
    for (String answer :
        List.of("null", " NULL.\n", "None", "not stated", "Not stated.", "N/A", "\"null\"")) {
      assertThat(field(kind).parse(answer)).as(answer).isEqualTo(new Value(null, null));
      assertThat(field(kind, true).parse(answer))
          .as(answer)
          .isEqualTo(new Value(null, "required, but not stated"));
    }
    assertThat(field(kind).parse(" \n")).isEqualTo(new Value(null, "the answer is empty"));
  }

  @Test
  void aCountryMayTouchItsCurrencysSign() {
    parses(Kind.NUMBER, "US$438,443.50", 438443.5);
    refuses(Kind.NUMBER, "US438,443.50", "is not one clear number");
  }

  @Test
  void readsText() {
    parses(Kind.STRING, "  Acme Inc.  ", "Acme Inc.");
    for (String answer :
        List.of("\"Acme\"", "'Acme'", "“Acme”", "`Acme`", "```Acme```", "```json\nAcme\n``` ")) {
      parses(Kind.STRING, answer, "Acme");
    }
    for (String answer : List.of("\"a\" and \"b\"", "O'Neill's", "nullable", "'", "none of it")) {
      parses(Kind.STRING, answer, answer);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "36 | 36",
        "36. | 36",
        "-5 | -5",
        "36 months | 36",
        "thirty-six (36) | 36",
        "thirty-six (36) months | 36",
        "36 (36) | 36",
        "1,250 | 1250",
        "1,250,000 | 1250000",
        "1.250.000 | 1250000",
        "1 250 000 | 1250000",
        "1'250'000 | 1250000",
        "$1,250 | 1250",
        "36.0 | 36",
        "3e2 | 300",
        "2 million | 2000000",
        "1.5 million | 1500000",
        "minus 5 | -5",
        "9223372036854775807 | 9223372036854775807",
        "-9223372036854775808 | -9223372036854775808",
      })
  void readsWholeNumbers(String answer, long value) {
    parses(Kind.INTEGER, answer, value);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "abc",
        "36.5",
        "36 to 48",
        "36-48",
        "thirty-six",
        "1.250",
        "12,50",
        "36k",
        "A36",
        "3rd",
        "2 dozen",
        "3 hundred",
        "(1,250)",
        "1,25,000",
        "03/14/2024",
        "1,2",
      })
  void refusesWhatIsNoWholeNumber(String answer) {
    refuses(Kind.INTEGER, answer, "is not a whole number");
  }

  @Test
  void refusesWholeNumbersThatDoNotFit() {
    for (String answer :
        List.of("9223372036854775808", "-9223372036854775809", "99999999999 trillion", "1e999")) {
      refuses(Kind.INTEGER, answer, "does not fit into 64 bits");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "1250000 | 1250000",
        "0.125 | 0.125",
        "48.500 | 48.5",
        "$1,250,000.00 | 1250000",
        "-$1,250.50 | -1250.5",
        "$-1,250.50 | -1250.5",
        "USD 1,250,000.00 | 1250000",
        "USD1,250.5 | 1250.5",
        "EUR 48.500,50 | 48500.5",
        "€48.500,50 | 48500.5",
        "48,50 EUR | 48.5",
        "0,125 | 0.125",
        "1,250 | 1250",
        "0.125 mg | 0.125",
        "1234.500 kg | 1234.5",
        "12.5% | 12.5",
        "12.5 percent | 12.5",
        "$1.5 billion | 1500000000",
        "-2.5E-3 | -0.0025",
        "approximately 7.25 | 7.25",
      })
  void readsNumbers(String answer, double value) {
    parses(Kind.NUMBER, answer, value);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "EUR 48.500",
        "1.250 kg",
        "1.2.3",
        "1,2,3",
        "1,250.000.5",
        "3 of 4",
        "abc",
        "($5)",
        "0x10",
        "NaN",
        "Infinity",
        "12.5%-13%",
      })
  void refusesWhatIsNoClearNumber(String answer) {
    refuses(Kind.NUMBER, answer, "is not one clear number");
  }

  @Test
  void refusesNumbersThatDoNotFit() {
    refuses(Kind.NUMBER, "1e999", "is too large a number");
    refuses(Kind.NUMBER, "9".repeat(50) + "e300", "is too large a number");
  }

  @Test
  void readsTruthValues() {
    for (String answer : List.of("true", "True.", "YES", "\"yes\"", "Yes, it may.")) {
      parses(Kind.BOOLEAN, answer, true);
    }
    for (String answer : List.of("false", "No", "no.", "No, never")) {
      parses(Kind.BOOLEAN, answer, false);
    }
    for (String answer : List.of("maybe", "1", "No party may", "true or false")) {
      refuses(Kind.BOOLEAN, answer, "is neither true nor false");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "2024-03-14",
        "2024-03-14.",
        "2024-3-14",
        "2024/03/14",
        "2024-03-14T09:30:00Z",
        "March 14, 2024",
        "march 14 2024",
        "Mar. 14, 2024",
        "March 14th, 2024",
        "Thursday, March 14, 2024",
        "14 March 2024",
        "14. March 2024",
        "14th of March 2024",
        "14th day of March, 2024",
        "the 14th day of March, 2024",
        "14-Mar-2024",
        "14\n March\t2024",
        "03/14/2024",
        "14/03/2024",
        "14.03.2024",
        "3-14-2024",
      })
  void readsDates(String answer) {
    parses(Kind.DATE, answer, LocalDate.of(2024, 3, 14));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "03/04/2024",
        "03/14/24",
        "March 2024",
        "2024",
        "2024-02-30",
        "February 30, 2024",
        "14 Foo 2024",
        "14 Ma 2024",
        "13/14/2024",
        "0/0/2024",
        "March 14, 2024 and later",
        "soon",
      })
  void refusesWhatIsNoClearDate(String answer) {
    refuses(Kind.DATE, answer, "is not one clear date");
  }

  @Test
  void readsDatesWithOneMeaning() {
    parses(Kind.DATE, "05/05/2024", LocalDate.of(2024, 5, 5));
    parses(Kind.DATE, "May 1, 2024", LocalDate.of(2024, 5, 1));
    parses(Kind.DATE, "Sept. 9, 2024", LocalDate.of(2024, 9, 9));
    parses(Kind.DATE, "2024-02-29", LocalDate.of(2024, 2, 29));
  }

  @Test
  void readsChoices() {
    parses(Kind.ENUM, "new york", "New York");
    parses(Kind.ENUM, "Delaware.", "Delaware");
    parses(Kind.ENUM, "\"U.S.\"", "U.S.");
    parses(Kind.ENUM, "none of these", "none of these");
    refuses(Kind.ENUM, "York", "is not one of the choices");
    refuses(Kind.ENUM, "New York or Delaware", "is not one of the choices");
    ExtractionField none =
        new ExtractionField("x", Kind.ENUM, "?", List.of("none", "A", "a"), true);
    assertThat(none.parse("None")).isEqualTo(new Value("none", null));
    assertThat(none.parse("a")).isEqualTo(new Value("a", null));
  }

  @Test
  void quotesALongAnswerInPart() {
    assertThat(field(Kind.INTEGER).parse("x".repeat(59) + "\ud83d\ude00" + "y".repeat(900)).note())
        .isEqualTo("'" + "x".repeat(59) + "...' is not a whole number");
    assertThat(field(Kind.INTEGER).parse("two\n\nlines").note())
        .isEqualTo("'two lines' is not a whole number");
    assertThat(field(Kind.NUMBER).parse("1 ".repeat(1_000_000)).note()).endsWith("is too long");
    assertThat(field(Kind.DATE).parse("```".repeat(1_000_000)).value()).isNull();
    assertThat(field(Kind.STRING).parse(" ".repeat(1_000_000) + "a").value()).isEqualTo("a");
  }
}
