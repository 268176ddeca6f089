package dev.lowpass.pipeline.evaluation.ruler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.evaluation.EvaluationException;
import dev.lowpass.pipeline.evaluation.metrics.PythonText;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Expected digests (the first 16 digits of SHA-256) are of what NVIDIA's scripts write for the same
 * sources, with a token a word.
 */
class RulerTaskTest {
  private static final TokenCounter WORDS = text -> PythonText.split(text).size();

  @TempDir static Path folder;

  private static RulerSources sources;

  @BeforeAll
  static void makeSources() throws IOException {
    Path squad = folder.resolve("squad.json");
    Path hotpotQa = folder.resolve("hotpotqa.json");
    new ObjectMapper().writeValue(squad.toFile(), Map.of("data", articles()));
    new ObjectMapper().writeValue(hotpotQa.toFile(), hotpotQuestions());
    sources =
        new RulerSources(
            new WordLists(
                numbered("noun", 3000),
                Stream.concat(
                        Stream.of("old", "old-fashioned", "red"), numbered("adj", 50).stream())
                    .toList(),
                numbered("verb", 1500),
                numbered("more", 20000)),
            new Haystack(essay()),
            QuestionSet.squad(squad),
            QuestionSet.hotpotQa(hotpotQa));
  }

  @ParameterizedTest
  @CsvSource({
    "niah_single_1, 4096, 42, 3, 0c649a188df5373a",
    "niah_single_2, 4096, 42, 3, ffc68bfd48ce8a2c",
    "niah_single_3, 4096, 42, 3, 8e9547215bd8b109",
    "niah_multikey_1, 4096, 42, 3, 52ce9136a0f763bc",
    "niah_multikey_2, 4096, 42, 3, 39bdcf6795ea5c2a",
    "niah_multikey_3, 4096, 42, 3, e2d138573037708f",
    "niah_multivalue, 4096, 42, 3, d13ea16f8eb11ad5",
    "niah_multiquery, 4096, 42, 3, d46b31666ff6254a",
    "vt, 4096, 42, 3, 8bf623c847c20c5a",
    "cwe, 4096, 42, 3, 69307371d03fbf75",
    "fwe, 4096, 42, 3, 2272bf06d358be5c",
    "qa_1, 4096, 42, 3, 84474ffdeeb1934d",
    "qa_2, 4096, 42, 3, f0419b6ae55519da",
    "niah_single_1, 1200, 7, 3, 5bb9a3de64e30483",
    "niah_single_2, 1200, 7, 3, daaa40c574e21ec3",
    "niah_single_3, 1200, 7, 3, fa5c4241d75f2359",
    "niah_multikey_1, 1200, 7, 3, 61b8aadbfb1a7b65",
    "niah_multikey_2, 1200, 7, 3, 2dbf7637df6d8e2f",
    "niah_multikey_3, 1200, 7, 3, e734026066e03367",
    "niah_multivalue, 1200, 7, 3, 642591fb3a6a0697",
    "niah_multiquery, 1200, 7, 3, 203f073320f0a2cb",
    "vt, 1200, 7, 3, ef0d360d68e81f2b",
    "cwe, 1200, 7, 3, c8bd6ad55ba2b309",
    "fwe, 1200, 7, 3, e6d9dbc6c65c2e68",
    "qa_1, 1200, 7, 3, 22836aeaccc813eb",
    "qa_2, 1200, 7, 3, db3a976eb7a2a8d8",
    "niah_single_2, 40000, 42, 2, 16677dcfaf4440db",
    "cwe, 40000, 42, 2, b6f0d53a9d1efd70",
    "vt, 40000, 42, 2, 63a85196e815faf2",
    "qa_2, 40000, 42, 2, b4fe84a5acff583b",
  })
  void files(String task, int tokens, int seed, int samples, String digest) {
    assertThat(
            digest(
                generate(task, tokens, seed, samples).stream()
                    .map(sample -> sample.toJson() + "\n")
                    .collect(Collectors.joining())))
        .isEqualTo(digest);
  }

  @Test
  void needlesAmongNeedles() {
    List<RulerSample> samples = generate("niah_multikey_3", 4096, 42, 2);
    assertThat(samples.get(0).outputs()).containsExactly("9624ba9d-1cea-4ac0-9466-f946ffab82a0");
    assertThat(samples.get(1).outputs()).containsExactly("ef9bb09b-a32c-4eae-9735-7f9d3cbb32de");
    assertThat(samples).extracting(RulerSample::length).containsOnly(4096);
    assertThat(samples)
        .extracting(sample -> digest(sample.prompt()))
        .containsExactly("66ae70e05d4e7950", "cf3c48bdc8ee276b");
  }

  @Test
  void variableTracking() {
    List<RulerSample> samples = generate("vt", 4096, 42, 2);
    assertThat(samples.get(0).outputs())
        .containsExactly("DMNOI", "TLVXL", "XLEWL", "TVHUM", "GLSGI");
    assertThat(samples).extracting(RulerSample::length).containsOnly(4093);
    assertThat(samples)
        .extracting(sample -> digest(sample.prompt()))
        .containsExactly("7df7de84103a917e", "aaaffd0cb8b896b8");
  }

  @Test
  void frequentWords() {
    List<RulerSample> samples = generate("fwe", 4096, 42, 2);
    assertThat(samples.get(0).outputs()).containsExactly("ufnllw", "iwshay", "rhbtmq");
    assertThat(samples)
        .extracting(sample -> digest(sample.prompt()))
        .containsExactly("0d193ecd6018d8d3", "8f375613c788a9d3");
  }

  @Test
  void aNeedleInNoise() {
    List<String> three = List.of("alpha", "beta", "gamma");
    RulerSources words =
        new RulerSources(new WordLists(three, three, List.of(), List.of()), null, null, null);
    RulerSample sample =
        RulerTask.NIAH_SINGLE_1.generate(new RulerSettings(4096, 42, WORDS, words), 1).get(0);
    assertThat(sample.outputs()).containsExactly("7022674");
    assertThat(sample.prompt()).hasSize(18795).contains("for alpha-beta is: 7022674.");
    assertThat(digest(sample.prompt())).isEqualTo("2b1604e3c99a3523");
    assertThat(sample.input().substring(sample.index())).startsWith("7022674.");
  }

  @Test
  void whatIsMissingIsNamed() {
    RulerSources none = new RulerSources(WordLists.builtIn(), null, null, null);
    refused(RulerTask.NIAH_SINGLE_2, 4096, none, "niah_single_2: needs a text to hide needles in");
    refused(RulerTask.QA_1, 4096, none, "qa_1: needs questions in SQuAD's format (--squad)");
    refused(RulerTask.QA_2, 4096, none, "qa_2: needs questions in HotpotQA's format (--hotpotqa)");
  }

  @Test
  void aLengthThatNothingFitsIsRefused() {
    refused(RulerTask.NIAH_MULTIKEY_3, 180, sources, "niah_multikey_3: 180 tokens are too few");
    refused(RulerTask.VARIABLE_TRACKING, 100, sources, "vt: 100 tokens are too few");
    refused(RulerTask.COMMON_WORDS, 150, sources, "cwe: 150 tokens are too few");
    refused(RulerTask.FREQUENT_WORDS, 200, sources, "fwe: 200 tokens are too few");
    refused(RulerTask.QA_1, 80, sources, "qa_1: 80 tokens are too few");
  }

  /** RULER's smallest essay has 500 words. */
  @Test
  void lengthsThatRulerCannotMake() {
    RulerSample sample =
        RulerTask.NIAH_MULTIQUERY.generate(new RulerSettings(400, 42, WORDS, sources), 1).get(0);
    assertThat(sample.length()).isBetween(360, 400);
    assertThat(sample.outputs()).hasSize(4).allMatch(sample.input()::contains);
  }

  @Test
  void noMoreSamplesThanQuestions() {
    assertThatThrownBy(
            () -> RulerTask.QA_2.generate(new RulerSettings(4096, 42, WORDS, sources), 31))
        .isInstanceOf(EvaluationException.class)
        .hasMessage("qa_2: 31 samples are more than there are questions (30)");
  }

  @Test
  void builtInWordsAreEnoughForLongLists() {
    RulerSources builtIn = new RulerSources(WordLists.builtIn(), null, null, null);
    RulerSample sample =
        RulerTask.COMMON_WORDS.generate(new RulerSettings(65536, 42, WORDS, builtIn), 1).get(0);
    assertThat(sample.length()).isBetween(65000, 65536);
    assertThat(sample.outputs()).hasSize(10).doesNotHaveDuplicates();
  }

  @Test
  void scores() {
    assertThat(RulerTask.NIAH_MULTIVALUE.score("7022674 and 123", List.of("7022674", "999")))
        .isEqualTo(0.5);
    assertThat(RulerTask.QA_1.score("Paris, france", List.of("paris", "London"))).isEqualTo(1);
    assertThat(RulerTask.VARIABLE_TRACKING.score("abc\n", List.of("ABC"))).isEqualTo(1);
    assertThat(RulerTask.COMMON_WORDS.score("1. foo 2. bar", List.of("foo", "bar", "baz")))
        .isEqualTo(2.0 / 3);
    // A control character parts the answer.
    assertThat(RulerTask.NIAH_SINGLE_1.score("12345\u000267", List.of("1234567"))).isZero();
  }

  private static void refused(RulerTask task, int tokens, RulerSources from, String message) {
    assertThatThrownBy(() -> task.generate(new RulerSettings(tokens, 42, WORDS, from), 1))
        .isInstanceOf(EvaluationException.class)
        .hasMessageStartingWith(message);
  }

  private static List<RulerSample> generate(String task, int tokens, int seed, int samples) {
    return RulerTask.of(task)
        .orElseThrow()
        .generate(new RulerSettings(tokens, seed, WORDS, sources), samples);
  }

  private static String digest(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash).substring(0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<String> numbered(String word, int count) {
    return IntStream.range(0, count).mapToObj(i -> word + i).toList();
  }

  /** 400 sentences of three to seven words. */
  private static String essay() {
    List<String> sentences = new ArrayList<>();
    int word = 0;
    for (int i = 0; i < 400; i++) {
      int first = word;
      int words = 3 + i % 5;
      sentences.add(
          "Word"
              + first
              + " "
              + IntStream.range(first + 1, first + words)
                  .mapToObj(n -> "w" + n)
                  .collect(Collectors.joining(" "))
              + ".!?".charAt(i % 3));
      word += words;
    }
    return String.join("\n", sentences);
  }

  /** Twelve articles of five paragraphs, the third of each without an answer. */
  private static List<Object> articles() {
    List<Object> articles = new ArrayList<>();
    for (int a = 0; a < 12; a++) {
      List<Object> paragraphs = new ArrayList<>();
      for (int p = 0; p < 5; p++) {
        int product = a * p;
        String context =
            "Paragraph %d of article %d says %s."
                .formatted(
                    p,
                    a,
                    IntStream.range(0, 20)
                        .mapToObj(q -> "x" + (product + q))
                        .collect(Collectors.joining(" ")));
        Object question =
            Map.of(
                "question", "What is %d-%d?".formatted(a, p),
                "is_impossible", p == 2,
                "answers", List.of(Map.of("text", "x" + product), Map.of("text", "é" + p)));
        paragraphs.add(Map.of("context", context, "qas", List.of(question)));
      }
      articles.add(Map.of("paragraphs", paragraphs));
    }
    return articles;
  }

  /** Thirty questions of ten documents each, which overlap. */
  private static List<Object> hotpotQuestions() {
    List<Object> questions = new ArrayList<>();
    for (int a = 0; a < 30; a++) {
      List<Object> context = new ArrayList<>();
      for (int d = 0; d < 10; d++) {
        context.add(
            List.of(
                "Title " + (a * 7 + d),
                List.of("First %d. ".formatted(d), "Second %d {braces}.".formatted(a))));
      }
      questions.add(
          Map.of("question", "Who is " + a + "?", "answer", "answer " + a, "context", context));
    }
    return questions;
  }
}
