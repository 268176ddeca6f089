package dev.lowpass.pipeline.evaluation.suite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.evaluation.EvaluationException;
import dev.lowpass.pipeline.evaluation.longbench.LongBenchTask;
import dev.lowpass.pipeline.evaluation.metrics.PythonText;
import dev.lowpass.pipeline.evaluation.ruler.Haystack;
import dev.lowpass.pipeline.evaluation.ruler.NeedleGrid;
import dev.lowpass.pipeline.evaluation.ruler.RulerSettings;
import dev.lowpass.pipeline.evaluation.ruler.RulerSources;
import dev.lowpass.pipeline.evaluation.ruler.RulerTask;
import dev.lowpass.pipeline.evaluation.ruler.WordLists;
import dev.lowpass.pipeline.text.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class SuiteTest {
  private static final String SCHEMA =
      """
      {"properties": {
        "fee": {"type": "number", "description": "What is the fee?"},
        "law": {"type": "string"}}}
      """;

  private static final SuiteSettings SETTINGS =
      new SuiteSettings("schema", SCHEMA, List.of(16, 64));

  private static Item read(Suite suite, String task, String json) {
    return Suite.read(new SuiteRow("id", suite, task, 4096, "file:1", json), SETTINGS);
  }

  private static double score(Item item, int question, String answer) {
    return item.questions().get(question).scorer().score(answer);
  }

  /** LongBench's own files of prompts and limits. */
  @Test
  void longBenchAsksAsItDoes() throws IOException {
    Path folder = Shared.require("data/longbench_scores");
    ObjectMapper mapper = new ObjectMapper();
    JsonNode prompts = mapper.readTree(folder.resolve("dataset2prompt.json").toFile());
    JsonNode limits = mapper.readTree(folder.resolve("dataset2maxlen.json").toFile());
    assertThat(prompts).hasSize(LongBenchTask.values().length);
    for (LongBenchTask task : LongBenchTask.values()) {
      String row =
          "{\"context\": \"{input} $1\", \"input\": \"who? {context}\", \"answers\": [\"a\"]}";
      Item item = read(Suite.LONGBENCH, task.id(), row);
      String template = prompts.get(task.id()).textValue();
      int context = template.indexOf("{context}");
      String expected =
          template.substring(0, context)
              + "{input} $1"
              + template
                  .substring(context + "{context}".length())
                  .replace("{input}", "who? {context}");
      assertThat(item.document() + item.questions().get(0).text()).isEqualTo(expected);
      assertThat(item.maxNewTokens()).isEqualTo(limits.get(task.id()).intValue());
      assertThat(item.chat())
          .isEqualTo(
              !List.of("trec", "triviaqa", "samsum", "lsht", "lcc", "repobench-p")
                  .contains(task.id()));
    }
  }

  @Test
  void longBenchScoresByItsTask() {
    String row =
        "{\"context\": \"c\", \"input\": \"i\", \"answers\": [\"Paris, France\", \"Paris\"], \"length\": 7}";
    Item item = read(Suite.LONGBENCH, "triviaqa", row);
    assertThat(score(item, 0, "\nParis\nQuestion: foo")).isEqualTo(1);
    assertThat(score(item, 0, " \nParis")).isZero();
    assertThat(item.length()).isEqualTo(7);
  }

  @ParameterizedTest
  @EnumSource(
      value = RulerTask.class,
      names = {"QA_1", "QA_2"},
      mode = EnumSource.Mode.EXCLUDE)
  void rulersQuestionStandsBehindItsText(RulerTask task) {
    RulerSources sources =
        new RulerSources(
            WordLists.builtIn(), new Haystack("What is it? A word. ".repeat(50)), null, null);
    RulerSettings settings =
        new RulerSettings(3000, 42, text -> PythonText.split(text).size(), sources);
    var sample = task.generate(settings, 1).get(0);
    Item item = read(Suite.RULER, task.id(), sample.toJson());
    String question = item.questions().get(0).text();
    assertThat(item.document() + question).isEqualTo(sample.input());
    assertThat(question).hasSizeLessThan(300).containsPattern("^\n(What |Question: )");
    assertThat(item.document()).contains(task == RulerTask.COMMON_WORDS ? "1. " : ".");
    assertThat(score(item, 0, String.join(" ", sample.outputs()).toUpperCase())).isEqualTo(1);
    assertThat(score(item, 0, "I do not know")).isZero();
    assertThat(item.length()).isEqualTo(4096);
  }

  @Test
  void aNeedlesCellIsReadAsItWasWritten() {
    NeedleGrid grid =
        new NeedleGrid(
            new Haystack("All is well. ".repeat(50)),
            NeedleGrid.Needle.SANDWICH,
            List.of(50),
            text -> PythonText.split(text).size());
    NeedleGrid.Cell cell = grid.cells(120).get(0);
    Item item = read(Suite.NEEDLE, "needle", cell.toJson());
    assertThat(item.document()).endsWith("All is well.");
    assertThat(item.questions().get(0).text()).startsWith(" </book>.\n Based on").endsWith("is: ");
    assertThat(item.length()).isEqualTo(120);
    assertThat(item.depth()).isEqualTo(50);
    assertThat(score(item, 0, "Eat a sandwich")).isEqualTo(3 / 11.0);
  }

  @Test
  void needlesOfOnesOwn(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("needles.jsonl");
    Files.writeString(
        file,
        "{\"text\": \"The fee is 7.\", \"answer\": \"7\", \"prompt\": \"{context}\\nWhat fee?\"}\n{}\n");
    assertThatThrownBy(() -> NeedleGrid.Needle.read(file))
        .isInstanceOf(EvaluationException.class)
        .hasMessage(file + ":2: not a needle: text is missing or no string");
    Files.writeString(file, Files.readAllLines(file).get(0));
    assertThat(NeedleGrid.Needle.read(file))
        .containsExactly(
            new NeedleGrid.Needle("\nThe fee is 7.\n", "{context}\nWhat fee?", "", "7"));
  }

  @Test
  void extractionIsRightOrWrongByField() {
    String row = "{\"text\": \" The fee is $70. \", \"fields\": {\"fee\": 70, \"law\": null}}";
    Item item = read(Suite.EXTRACTION, "extraction", row);
    assertThat(item.document()).isEqualTo("The fee is $70.");
    assertThat(item.questions())
        .extracting(Question::text)
        .containsExactly(
            "\n\nQuestion: What is the fee?\nReply with a number only, or null if not stated.",
            "\n\nQuestion: What is the law?\nReply with a short text only, or null if not stated.");
    assertThat(item.questions().get(0).probe()).isEqualTo("\n\nQuestion: What is the fee?");
    assertThat(score(item, 0, "$70.00")).isEqualTo(1);
    assertThat(score(item, 0, "null")).isZero();
    assertThat(score(item, 1, "null")).isEqualTo(1);
    assertThat(score(item, 1, "New York")).isZero();
  }

  @Test
  void severalRequestsShareADocument() {
    String row =
        "{\"context\": \"c\", \"multi_turns\": [{\"input\": \"a?\", \"answer\": \"x\"},"
            + " {\"input\": \"b?\", \"answer\": [\"y\", \"z\"]}]}";
    Item item = read(Suite.SHARED, "kv", row);
    assertThat(item.questions()).extracting(Question::text).containsExactly("\n\na?", "\n\nb?");
    assertThat(score(item, 0, "it is X")).isEqualTo(1);
    assertThat(score(item, 1, "perhaps z")).isEqualTo(1);
    assertThat(score(item, 1, "perhaps x")).isZero();
  }

  @Test
  void perplexityIsAskedForByLength() {
    Item item = read(Suite.PERPLEXITY, "perplexity", "{\"text\": \"Once\"}");
    assertThat(item.questions()).extracting(Question::name).containsExactly("16", "64");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "RULER | vt | '' | not a line of JSON",
        "RULER | vt | {\"input\": | not valid JSON: ",
        "RULER | vt | [] | not a JSON object",
        "RULER | vt | {\"outputs\": [\"a\"]} | input is missing or no string",
        "RULER | vt | {\"input\": \"a\", \"outputs\": [1]} | outputs is missing or no list of strings",
        "RULER | vt | {\"input\": \"a\", \"outputs\": [\"b\"]} | vt: input has no 'Question:'",
        "NEEDLE | needle | {\"input\": \"a\", \"question\": \"b\", \"outputs\": [\"b\"]} | input does not end with its question",
        "LONGBENCH | trec | {\"context\": \"a\", \"answers\": []} | answers is missing or no list of strings",
        "LONGBENCH | x | {\"context\": \"a\", \"answers\": [\"b\"]} | LongBench has no task x",
        "EXTRACTION | extraction | {\"text\": \"a\"} | fields is missing or no object",
        "SHARED | kv | {\"context\": \"a\", \"multi_turns\": []} | multi_turns is missing or no list of questions",
      })
  void malformed(Suite suite, String task, String json, String message) {
    assertThatThrownBy(() -> read(suite, task, json))
        .isInstanceOf(EvaluationException.class)
        .hasMessageStartingWith(message);
  }
}
