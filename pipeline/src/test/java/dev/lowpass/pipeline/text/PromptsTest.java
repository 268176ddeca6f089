package dev.lowpass.pipeline.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.pipeline.text.ExtractionField.Kind;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The texts that the bundled model was trained on, spelled out here a second time. */
class PromptsTest {
  @Test
  void asksForASummary() {
    assertThat(Prompts.summarize(" A\n\nB \n", Prompts.DEFAULT_INSTRUCTION))
        .containsExactly(
            new Message("user", "A\n\nB\n\nSummarize the document in one to three sentences."));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "STRING | a short text",
        "INTEGER | a whole number",
        "NUMBER | a number",
        "BOOLEAN | true or false",
        "DATE | a date as YYYY-MM-DD",
        "ENUM | one of: red, dark blue, green",
      })
  void asksForAField(Kind kind, String hint) {
    List<String> choices = kind == Kind.ENUM ? List.of("red", "dark blue", "green") : List.of();
    ExtractionField field = new ExtractionField("x", kind, "What is it?", choices, true);
    assertThat(Prompts.extract("\tThe text.\n", field))
        .containsExactly(
            new Message(
                "user",
                "The text.\n\nQuestion: What is it?\nReply with "
                    + hint
                    + " only, or null if not stated."));
  }
}
