package dev.lowpass.pipeline.evaluation.suite;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.pipeline.engine.Request;
import dev.lowpass.pipeline.text.Message;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class PromptWriterTest {
  private static final String TEXT = "The fee is $70. The term is a year. No party may assign. ";

  private static TextTokenizer tokenizer;

  @BeforeAll
  static void load() {
    tokenizer = TextTokenizer.load(Path.of("..", "sample-data", "model"));
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  private static PromptWriter writer(boolean aware, boolean each, boolean chat, int most) {
    return new PromptWriter(tokenizer, new PromptWriter.Settings(aware, each, chat, most));
  }

  private static Item item(boolean truncated, String document, String... questions) {
    return new Item(
        "task",
        null,
        null,
        document,
        Arrays.stream(questions)
            .map(text -> new Question(text, text, text, List.of("a"), answer -> 0))
            .toList(),
        " Answer:",
        8,
        /* chat= */ true,
        truncated);
  }

  private static int[] chat(String text) {
    return tokenizer.encodeChat(List.of(new Message("user", text)));
  }

  private static int[] concat(int[] first, int[] second) {
    int[] all = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, all, first.length, second.length);
    return all;
  }

  @Test
  void theAnswerBeginsBehindTheChatTemplate() {
    Request request = writer(true, false, true, 0).request(item(false, TEXT, "\nHow much?"));
    assertThat(request.prompts().get(0))
        .isEqualTo(concat(chat(TEXT + "\nHow much?"), tokenizer.encode(" Answer:")));
    Request plain = writer(true, false, false, 0).request(item(false, TEXT, "\nHow much?"));
    assertThat(plain.prompts().get(0)).isEqualTo(tokenizer.encode(TEXT + "\nHow much? Answer:"));
  }

  @Test
  void aDocumentIsReadOnceForAllQuestions() {
    Item item = item(false, TEXT, "\nHow much?", "\nHow long?");
    Request all = writer(true, false, true, 0).request(item);
    assertThat(all.prompts()).hasSize(2);
    assertThat(all.shared()).isGreaterThanOrEqualTo(tokenizer.encode(TEXT.strip()).length);
    assertThat(all.probes()).hasSize(1);
    assertThat(all.probes().get(0)).isEqualTo(tokenizer.encode("\nHow much?\nHow long?"));
    Request each = writer(true, true, true, 0).request(item);
    assertThat(each.probes()).hasSize(2);
    assertThat(each.probes().get(1)).isEqualTo(tokenizer.encode("\nHow long?"));
  }

  @Test
  void whoMayNotKnowTheQuestionGetsNoProbe() {
    Request request = writer(false, false, true, 0).request(item(false, TEXT, "\nHow much?"));
    assertThat(request.probes()).isEmpty();
    // The document still is a part of its own, which is compressed before the question is read.
    assertThat(request.shared())
        .isBetween(tokenizer.encode(TEXT.strip()).length, chat(TEXT).length);
  }

  @Test
  void aControlTokenInADocumentIsText() {
    int end = tokenizer.tokenId("<|end|>").orElseThrow();
    for (boolean chat : new boolean[] {true, false}) {
      int[] prompt =
          writer(true, false, chat, 0).request(item(false, "a <|end|> b", " c")).prompts().get(0);
      long ends = Arrays.stream(prompt).filter(token -> token == end).count();
      assertThat(ends).isEqualTo(chat ? 1 : 0);
    }
  }

  @Test
  void theMiddleOfALongPromptIsLeftOut() {
    String document = TEXT.repeat(20);
    int[] tokens = tokenizer.encode(document + "\nHow much?");
    int most = 101;
    int[] prompt =
        writer(true, false, true, most)
            .request(item(true, document, "\nHow much?"))
            .prompts()
            .get(0);
    // Python's int(101 / 2) of either end.
    String ends =
        tokenizer.decode(Arrays.copyOf(tokens, 50))
            + tokenizer.decode(Arrays.copyOfRange(tokens, tokens.length - 50, tokens.length));
    assertThat(ends).endsWith("\nHow much?");
    assertThat(prompt).isEqualTo(concat(chat(ends), tokenizer.encode(" Answer:")));
    int[] whole =
        writer(true, false, true, tokens.length)
            .request(item(true, document, "\nHow much?"))
            .prompts()
            .get(0);
    assertThat(whole)
        .isEqualTo(concat(chat(document + "\nHow much?"), tokenizer.encode(" Answer:")));
  }

  @Test
  void ofASharedDocumentItsOwnMiddleIsLeftOut() {
    Request request =
        writer(true, false, false, 100)
            .request(item(true, TEXT.repeat(20), "\nHow much?", "\nHow long is the term?"));
    for (int i = 0; i < 2; i++) {
      assertThat(tokenizer.decode(request.prompts().get(i)))
          .startsWith("The fee is $70.")
          .endsWith(
              i == 0 ? "assign. \nHow much? Answer:" : "assign. \nHow long is the term? Answer:");
      assertThat(request.prompts().get(i)).hasSizeLessThan(110);
    }
  }
}
