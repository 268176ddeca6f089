package dev.lowpass.pipeline.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** What holds for every text and every sequence of tokens. */
class TextPropertiesTest {
  private static TextTokenizer byteLevel;
  private static TextTokenizer sentencePiece;

  @BeforeContainer
  static void load() {
    Path folder = Path.of("src/test/resources/dev/lowpass/pipeline/text/tokenizers");
    byteLevel = TextTokenizer.load(folder.resolve("bytelevel"));
    sentencePiece = TextTokenizer.load(folder.resolve("prepend"));
  }

  @AfterContainer
  static void close() {
    byteLevel.close();
    sentencePiece.close();
  }

  /** Any characters, and often pieces of control tokens and of escapes. */
  @Provide
  Arbitrary<String> texts() {
    return Arbitraries.oneOf(
            Arbitraries.strings().ofMaxLength(20),
            Arbitraries.of(
                "<|user|>",
                "<|",
                "|>",
                "<",
                ">",
                "user",
                "<tool>",
                "    ",
                " ",
                "\n",
                "\ue000",
                "\ue002",
                "\uf8ff",
                "{{ x }}",
                "{% raw %}",
                "\ud83d\ude00",
                "a",
                "\u0000"))
        .list()
        .ofMaxSize(8)
        .map(parts -> String.join("", parts))
        .filter(TextPropertiesTest::isWellFormed);
  }

  private static boolean isWellFormed(String text) {
    return text.codePoints().noneMatch(c -> c >= 0xd800 && c <= 0xdfff);
  }

  @Property(tries = 300)
  void textSurvivesEncodingAndDecoding(@ForAll("texts") String text) {
    assertThat(byteLevel.decode(byteLevel.encode(text))).isEqualTo(text);
    assertThat(sentencePiece.decode(sentencePiece.encode(text))).isEqualTo(text.replace('▁', ' '));
  }

  @Property(tries = 300)
  void textIsNeverControl(@ForAll("texts") String text) {
    for (TextTokenizer tokenizer : List.of(byteLevel, sentencePiece)) {
      assertThat(Arrays.stream(tokenizer.encode(text)).filter(tokenizer.controlTokens()::contains))
          .isEmpty();
      assertThat(controls(tokenizer, text)).isEqualTo(controls(tokenizer, "x"));
    }
  }

  private static int[] controls(TextTokenizer tokenizer, String content) {
    return Arrays.stream(
            tokenizer.encodeChat(
                List.of(new Message("user", content), new Message("assistant", content))))
        .filter(tokenizer.controlTokens()::contains)
        .toArray();
  }

  @Property(tries = 300)
  void aStreamGivesWhatDecodingAllAtOnceGives(
      @ForAll @Size(max = 40) List<@IntRange(min = 0, max = 620) Integer> tokens) {
    int[] ids = tokens.stream().mapToInt(id -> id).toArray();
    for (TextTokenizer tokenizer : List.of(byteLevel, sentencePiece)) {
      StreamDecoder stream = tokenizer.stream(new int[0]);
      StringBuilder text = new StringBuilder();
      for (int id : ids) {
        String part = stream.accept(id);
        assertThat(isWellFormed(part)).isTrue();
        text.append(part);
      }
      assertThat(text.append(stream.flush()).toString()).isEqualTo(tokenizer.decode(ids));
    }
  }

  @Property(tries = 300)
  void chunksAreTheTextWhereTheyDoNotOverlap(
      @ForAll("texts") String text, @ForAll @IntRange(min = 1, max = 6) int tokens) {
    for (TextTokenizer tokenizer : List.of(byteLevel, sentencePiece)) {
      assertThat(String.join("", TextChunks.of(tokenizer, text, tokens, 0)))
          .isEqualTo(TextTokenizer.wellFormed(text));
    }
  }

  @Property(tries = 300)
  void chunksAreThatManyTokens(
      @ForAll @CharRange(from = ' ', to = '~') String text,
      @ForAll @IntRange(min = 2, max = 6) int tokens,
      @ForAll @IntRange(min = 0, max = 1) int overlap) {
    int[] ids = byteLevel.encode(text);
    List<String> slices = new ArrayList<>();
    for (int from = 0; from < ids.length; from += tokens - overlap) {
      int to = Math.min(ids.length, from + tokens);
      slices.add(byteLevel.decode(Arrays.copyOfRange(ids, from, to)));
      if (to == ids.length) {
        break;
      }
    }
    assertThat(TextChunks.of(byteLevel, text, tokens, overlap)).isEqualTo(slices);
  }
}
