package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.udfs.TestModel;
import dev.lowpass.udfs.TestSpark;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** Evaluations as a user runs them, in this JVM's session, with a real model. */
class ModelEvaluationTest {
  private static final String SCHEMA =
      "{\"properties\": {\"count\": {\"type\": \"integer\", \"description\": \"How many cats?\"}}}";

  private static SparkSession spark;

  @TempDir static Path modelFolder;

  private static Path model;

  @TempDir Path folder;
  private Path output;

  @BeforeAll
  static void open() throws IOException {
    spark = TestSpark.session();
    model = TestModel.chat(modelFolder);
  }

  @BeforeEach
  void write() throws IOException {
    output = folder.resolve("output");
    Files.writeString(folder.resolve("hay.txt"), "The cat sat. It was on the mat. ".repeat(100));
    Files.writeString(folder.resolve("schema.json"), SCHEMA);
    Files.writeString(
        folder.resolve("cats.jsonl"),
        "{\"doc_id\": \"a\", \"text\": \"Lily has 3 cats.\", \"fields\": {\"count\": 3}}\n");
    Files.writeString(
        folder.resolve("hotpotqa.jsonl"),
        """
        {"context": "Lily has a cat.", "input": "Who has a cat?", "answers": ["Lily"], "length": 4}
        {"context": "Tom has a dog.", "input": "Who?", "answers":
        {"context": "Tom saw the sun.", "input": "Who saw the sun?", "answers": ["Tom"], "length": 4}
        """);
  }

  private Command evaluate(Object... more) {
    List<Object> args = new ArrayList<>(List.of("evaluate", "--model", model, "--output", output));
    args.addAll(Arrays.asList(more));
    return Command.run(args.toArray());
  }

  private Command longBench(Object... more) {
    List<Object> args =
        new ArrayList<>(
            List.of("--suite", "longbench", "--data", folder.resolve("hotpotqa.jsonl")));
    args.addAll(List.of("--policies", "full,streaming", "--cache-tokens", "64", "--energy", "no"));
    args.addAll(Arrays.asList(more));
    return evaluate(args.toArray());
  }

  private Dataset<Row> table() {
    return spark.read().parquet(output.resolve("predictions").toString());
  }

  @Test
  void policiesSideBySide() throws Exception {
    Command command =
        evaluate(
            "--suite",
            "needle,extraction,perplexity",
            "--policies",
            "full,streaming,freqkv",
            "--cache-tokens",
            "48,96",
            "--haystack",
            folder.resolve("hay.txt"),
            "--lengths",
            "150,250",
            "--depths",
            2,
            "--schema",
            folder.resolve("schema.json"),
            "--data",
            "extraction=" + folder.resolve("cats.jsonl"),
            "--data",
            "perplexity=" + folder.resolve("hay.txt"));
    assertThat(command.status()).as(command.err()).isZero();
    assertThat(command.out())
        .containsPattern("policy +needle +95% interval +failed +extraction +95% interval +failed")
        .containsPattern("streaming 48 +[0-9.]+ +[0-9.]+ to [0-9.]+ +0 of 4")
        .contains("done       30 predictions in ");
    // Needles: 2 lengths and 2 depths; a document of one field; a text at 2 lengths.
    assertThat(table().groupBy("policy.name").count().collectAsList())
        .extracting(row -> row.getString(0) + " " + row.getLong(1))
        .containsExactlyInAnyOrder(
            "full 7", "streaming 48 7", "streaming 96 7", "freqkv 48 7", "freqkv 96 7");
    Row needle = table().where("suite = 'needle' and policy.name = 'freqkv 48'").head();
    assertThat(needle.<String>getAs("status")).isEqualTo("ok");
    assertThat(needle.<String>getAs("prompt_digest")).matches("[0-9a-f]{64}");
    assertThat(needle.<Row>getAs("stats").<Integer>getAs("compressions")).isPositive();
    assertThat(table().where("suite = 'needle'").select("prompt_digest").distinct().count())
        .as("every policy is asked the same")
        .isEqualTo(4);
    Row loss = table().where("suite = 'perplexity' and policy.name = 'full'").head();
    assertThat(loss.<Double>getAs("score")).isEqualTo(Math.exp(-loss.<Double>getAs("loss")));
    JsonNode metrics = new ObjectMapper().readTree(output.resolve("metrics.json").toFile());
    assertThat(metrics.has("needle, freqkv 48")).isTrue();
    assertThat(
            spark
                .read()
                .parquet(output.resolve("metrics").toString())
                .where("suite = 'perplexity' and length = 250")
                .where("perplexity > 1")
                .count())
        .isEqualTo(5);
    checkReport(Files.readString(output.resolve("report.html")));
    Command same = Command.run("evaluate", "--compare", output, output);
    assertThat(same.status()).isZero();
  }

  /** It parses as XML, which is stricter than HTML, and has all its plots. */
  private static void checkReport(String html) throws Exception {
    assertThat(html).doesNotContain("{{").doesNotContain("<script").doesNotContain("src=\"http");
    Document page =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(new ByteArrayInputStream(html.getBytes(StandardCharsets.UTF_8)));
    assertThat(texts(page.getElementsByTagName("h2")))
        .containsExactly(
            "Summary",
            "Accuracy against cache size",
            "Needles by depth and length",
            "Perplexity by length",
            "Time to the first token",
            "Speed of answers",
            "Memory",
            "Energy that compression kept",
            "Frequency energy per layer",
            "How it was made");
    NodeList plots = page.getElementsByTagName("svg");
    List<String> titles = new ArrayList<>();
    for (int i = 0; i < plots.getLength(); i++) {
      Element plot = (Element) plots.item(i);
      if (plot.hasAttribute("aria-label")) {
        titles.add(plot.getAttribute("aria-label"));
      }
    }
    assertThat(titles)
        .contains(
            "needle",
            "extraction",
            "full",
            "freqkv 96",
            "perplexity, cache of 48",
            "first token, cache of 96",
            "answers, cache of 48",
            "cache memory, cache of 96",
            "energy kept, cache of 48");
    assertThat(html)
        .contains("Policies that can read a document with its question in mind did so.")
        .contains("data:image/svg+xml;base64,")
        .contains("prefers-color-scheme: dark");
  }

  private static List<String> texts(NodeList elements) {
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < elements.getLength(); i++) {
      texts.add(elements.item(i).getTextContent());
    }
    return texts;
  }

  @Test
  void aMalformedRowIsAFailedRow() throws IOException {
    Command command = longBench("--max-failed", 2);
    assertThat(command.status()).as(command.err()).isZero();
    List<Row> failed = table().where("status = 'failed'").collectAsList();
    assertThat(failed).hasSize(2);
    for (Row row : failed) {
      assertThat(row.<Row>getAs("error").getString(0)).isEqualTo("input.malformed");
      assertThat(row.<Row>getAs("error").getString(1))
          .startsWith("hotpotqa.jsonl:2: not valid JSON: ");
      assertThat(row.<Double>getAs("score")).isNull();
    }
    assertThat(Files.readString(output.resolve("report.html")))
        .contains("<h2>Failed items</h2>", "input.malformed");
    assertThat(longBench("--max-failed", 1).status()).isEqualTo(3);
  }

  @Test
  void whatIsDoneIsNotDoneAgain() throws IOException {
    assertThat(longBench().out()).contains("done       6 predictions in ");
    List<String> before = runs();
    assertThat(longBench().out()).contains("done       0 predictions in ");
    assertThat(runs()).isEqualTo(before);
    // As if it had been killed: some of its files are not there.
    List<Path> files;
    try (Stream<Path> parts = Files.list(output.resolve("predictions"))) {
      files = parts.filter(file -> file.toString().endsWith(".parquet")).sorted().toList();
    }
    long lost = spark.read().parquet(files.get(0).toString()).count();
    Files.delete(files.get(0));
    Files.deleteIfExists(files.get(0).resolveSibling("." + files.get(0).getFileName() + ".crc"));
    assertThat(longBench().out()).contains("done       " + lost + " prediction");
    assertThat(table().count()).isEqualTo(6);
    assertThat(table().select("doc_id", "policy.name").distinct().count()).isEqualTo(6);
    // Another size is added beside those that are there, and a new row to all.
    assertThat(longBench("--cache-tokens", "80").status()).isZero();
    assertThat(table().select("policy.name").distinct().count()).isEqualTo(3);
    Files.writeString(
        folder.resolve("hotpotqa.jsonl"),
        "{\"context\": \"A dog ran.\", \"input\": \"Who ran?\", \"answers\": [\"dog\"]}\n");
    assertThat(longBench().out()).contains("done       2 predictions in ");
  }

  private List<String> runs() {
    return table().orderBy("doc_id", "policy.name").collectAsList().stream()
        .map(row -> row.<String>getAs("doc_id") + row.<String>getAs("run_id"))
        .toList();
  }

  @Test
  void otherSettingsAreAnotherTable() throws IOException {
    assertThat(longBench("--question-aware", "no").status()).isZero();
    assertThat(table().select("question_aware").distinct().collectAsList())
        .extracting(row -> row.getBoolean(0))
        .containsExactly(false);
    assertThat(Files.readString(output.resolve("report.html")))
        .contains("What is kept of a document was decided before its question was known.");
    Command aware = longBench();
    assertThat(aware.status()).isEqualTo(2);
    assertThat(aware.err()).contains("holds rows of other settings");
    Command sinks = longBench("--question-aware", "no", "--sinks", 2);
    assertThat(sinks.status()).isEqualTo(2);
    assertThat(sinks.err()).contains("holds rows of streaming 64 with other parameters");
  }

  @Test
  void whatCannotBeRun() {
    refused("--suite longbench needs --data, its rows", "--suite", "longbench");
    refused(
        "--data x: there are several suites; write SUITE=x",
        "--suite",
        "ruler,shared",
        "--data",
        "x");
    refused("--data x: no such file", "--suite", "shared", "--data", "x");
    refused("--data needle=x: --suite does not name it", "--suite", "shared", "--data", "needle=x");
    refused(
        "--data " + folder.resolve("cats.jsonl") + ": LongBench has no such task",
        "--suite",
        "longbench",
        "--data",
        folder.resolve("cats.jsonl"));
    refused(
        "--policies fastkv: perplexity is of all tokens, and fastkv drops some",
        "--suite",
        "perplexity",
        "--data",
        folder.resolve("hay.txt"),
        "--policies",
        "fastkv");
    refused(
        "--question-aware, --chat and --energy take yes or no, not maybe",
        "--suite",
        "ruler",
        "--chat",
        "maybe");
  }

  private void refused(String message, Object... options) {
    Command command = evaluate(options);
    assertThat(command.err()).contains(message);
    assertThat(command.status()).isEqualTo(2);
  }
}
