package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.evaluation.suite.Suite;
import dev.lowpass.pipeline.text.TextTokenizer;
import dev.lowpass.udfs.TestSpark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluateCommandTest {
  private static final Path MODEL = Path.of("..", "sample-data", "model");
  private static final Path CONTRACTS = Path.of("..", "sample-data", "contracts");

  @TempDir Path folder;

  @BeforeAll
  static void open() {
    TestSpark.session();
  }

  /** Twenty answers, all right but the first {@code wrong}, and a broken line behind them. */
  private Path predictions(String name, int wrong) throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 20; i++) {
      lines.append(
          "{\"pred\": \"%s\", \"answers\": [\"Paris\"], \"all_classes\": null, \"length\": %d}\n"
              .formatted(i < wrong ? "Rome" : "Paris", 500 * i));
    }
    Path run = Files.createDirectory(folder.resolve(name));
    Files.writeString(run.resolve("hotpotqa.jsonl"), lines + "{\"pred\":\n");
    return run;
  }

  private Command score(Path predictions, Path output, Object... more) {
    Object[] args = {
      "evaluate", "--suite", "longbench", "--predictions", predictions, "--output", output
    };
    Object[] all = new Object[args.length + more.length];
    System.arraycopy(args, 0, all, 0, args.length);
    System.arraycopy(more, 0, all, args.length, more.length);
    return Command.run(all);
  }

  @Test
  void scoresPredictions() throws IOException {
    Path output = folder.resolve("scores");
    Command command = score(predictions("run", 5), output);
    assertThat(command.status()).isZero();
    assertThat(command.err()).contains("hotpotqa.jsonl:21: not valid JSON").hasLineCount(1);
    List<String> table = command.out().lines().toList();
    assertThat(table.get(0)).matches("task +score +95% interval +rows +failed +0-4k +4-8k +8k\\+");
    // 0 to 3,500, 4,000 to 7,500, and 8,000 and more.
    assertThat(table.get(1))
        .matches("hotpotqa +75\\.00 +\\d+\\.00 to \\d+\\.00 +21 +1 +37\\.50 +100\\.00 +100\\.00");
    JsonNode metrics = new ObjectMapper().readTree(output.resolve("metrics.json").toFile());
    assertThat(metrics.toString()).isEqualTo("{\"hotpotqa\":75.0}");
  }

  @Test
  void moreFailuresThanAllowed() throws IOException {
    Path run = predictions("run", 0);
    assertThat(score(run, folder.resolve("a"), "--max-failed", 1).status()).isZero();
    assertThat(score(run, folder.resolve("b"), "--max-failed", 0).status()).isEqualTo(3);
  }

  @Test
  void comparesRuns() throws IOException {
    Path good = folder.resolve("good-scores");
    Path bad = folder.resolve("bad-scores");
    score(predictions("good", 1), good);
    score(predictions("bad", 9), bad);
    Command worse = Command.run("evaluate", "--compare", good, bad);
    assertThat(worse.status()).isEqualTo(4);
    assertThat(worse.out())
        .containsPattern("hotpotqa +95\\.00 +55\\.00 +-40\\.00 .* 20 +0 +worse")
        .endsWith("B is worse than A." + System.lineSeparator());
    Command better = Command.run("evaluate", "--compare", bad, good);
    assertThat(better.status()).isZero();
    assertThat(better.out()).endsWith("B is not worse than A." + System.lineSeparator());
  }

  @Test
  void generatesRuler() throws IOException {
    Path output = folder.resolve("sets");
    Command command =
        Command.run(
            "evaluate",
            "--suite",
            "ruler",
            "--generate-only",
            "--lengths",
            "1024,2048",
            "--samples",
            2,
            "--model",
            MODEL,
            "--haystack",
            CONTRACTS,
            "--output",
            output);
    assertThat(command.status()).as(command.err()).isZero();
    assertThat(command.err())
        .contains("left out: qa_1 has no source", "left out: qa_2 has no source")
        .hasLineCount(2);
    assertThat(command.out()).hasLineCount(22);
    try (TextTokenizer tokenizer = TextTokenizer.load(MODEL)) {
      for (String task : List.of("niah_multikey_2", "vt", "cwe", "fwe")) {
        for (int length : new int[] {1024, 2048}) {
          Path file = output.resolve(length + "/" + task + "/validation.jsonl");
          List<String> lines = Files.readAllLines(file);
          assertThat(lines).hasSize(2);
          JsonNode row = new ObjectMapper().readTree(lines.get(0));
          int answer =
              switch (task) {
                case "niah_multikey_2" -> 128;
                case "vt" -> 30;
                case "cwe" -> 120;
                default -> 50;
              };
          String prompt = row.get("input").textValue() + row.get("answer_prefix").textValue();
          assertThat(row.get("length").intValue())
              .isEqualTo(tokenizer.encode(prompt).length + answer)
              .isBetween(length * 3 / 4, length);
          for (JsonNode value : row.get("outputs")) {
            assertThat(prompt).contains(value.textValue());
          }
        }
      }
    }
    assertThat(output.resolve("README.md"))
        .content()
        .contains(
            "path: 1024/vt/validation.jsonl",
            "| cwe | 2048 | 2 |",
            "- tokenizer: tokenizer.json, SHA-256 ");
  }

  @Test
  void generatesNeedles() throws IOException {
    Path output = folder.resolve("sets");
    Command command =
        Command.run(
            "evaluate",
            "--suite",
            "needle",
            "--generate-only",
            "--lengths",
            "1000",
            "--depths",
            3,
            "--model",
            MODEL,
            "--haystack",
            CONTRACTS,
            "--output",
            output);
    assertThat(command.status()).as(command.err()).isZero();
    List<String> lines = Files.readAllLines(output.resolve("1000/needle/validation.jsonl"));
    assertThat(lines).hasSize(3);
    Path parquet = output.resolve("1000/needle/validation.parquet");
    assertThat(TestSpark.session().read().parquet(parquet.toString()).columns())
        .contains("input", "question", "outputs", "context_length", "depth_percent");
    assertThat(output.resolve("1000/needle")).isDirectoryNotContaining("glob:**/.validation*");
    assertThat(new ObjectMapper().readTree(lines.get(1)).get("depth_percent").intValue())
        .isEqualTo(50);
  }

  @Test
  void whatCannotBeDone() throws IOException {
    refused(
        "no --suite given; there are: needle, ruler, longbench, extraction, summary, shared, perplexity");
    refused("--suite niah: no such suite; there are: " + Suite.ids(), "--suite", "niah");
    refused("no --output given; name a folder to write to", "--suite", "ruler");
    refused("--suite extraction needs --schema, the fields to ask for", "--suite", "extraction");
    refused(
        "give one of --predictions, --generate-only and --compare",
        "--generate-only",
        "--predictions",
        folder);
    refused("--predictions needs --suite longbench", "--predictions", folder, "--suite", "ruler");
    refused(
        folder + ": has no predictions (TASK.jsonl)",
        "--suite",
        "longbench",
        "--predictions",
        folder,
        "--output",
        folder);
    refused(
        "no --output given; name a folder to write to",
        "--suite",
        "longbench",
        "--predictions",
        folder);
    refused(
        "--generate-only needs --suite ruler or needle",
        "--generate-only",
        "--suite",
        "extraction");
    refused(
        "--lengths, --samples and --depths take numbers from 1 on",
        "--generate-only",
        "--suite",
        "ruler",
        "--samples",
        0);
    refused(
        "--suite needle needs a text to hide the needle in; give --haystack",
        "--generate-only",
        "--suite",
        "needle",
        "--model",
        MODEL,
        "--output",
        folder);
    refused(
        "niah_single_2: needs a text to hide needles in (--haystack)",
        "--generate-only",
        "--suite",
        "ruler",
        "--tasks",
        "niah_single_2",
        "--model",
        MODEL,
        "--output",
        folder);
    refused(
        folder + ": has no scores.jsonl; give a folder that lowpass evaluate wrote",
        "--compare",
        folder,
        folder);
    Command unknown =
        Command.run("evaluate", "--generate-only", "--suite", "ruler", "--tasks", "niah");
    assertThat(unknown.status()).isEqualTo(2);
    assertThat(unknown.err())
        .startsWith("lowpass evaluate: --tasks niah: no such task; there are:");
  }

  private static void refused(String message, Object... options) {
    Object[] args = new Object[options.length + 1];
    args[0] = "evaluate";
    System.arraycopy(options, 0, args, 1, options.length);
    Command command = Command.run(args);
    assertThat(command.status()).isEqualTo(2);
    assertThat(command.err()).isEqualTo("lowpass evaluate: " + message + System.lineSeparator());
  }
}
