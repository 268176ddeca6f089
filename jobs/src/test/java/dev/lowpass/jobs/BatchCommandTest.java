package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.udfs.Counters;
import dev.lowpass.udfs.SqlTab;
import dev.lowpass.udfs.TestModel;
import dev.lowpass.udfs.TestSpark;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.schema.MessageType;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.Utils;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Jobs as a user runs them, in this JVM's session, with a real model. */
class BatchCommandTest {
  private static final String SCHEMA =
      """
      {"type": "object", "properties": {
        "who": {"type": "string", "description": "Who?"},
        "count": {"type": "integer", "description": "How many?"},
        "day": {"type": "string", "format": "date", "description": "When?"}}}
      """;

  private static SparkSession spark;

  /** One for all tests, so that there is one engine. */
  @TempDir static Path modelFolder;

  private static Path model;

  @TempDir Path folder;
  private Path documents;
  private Path output;

  @BeforeAll
  static void open() throws IOException {
    spark = TestSpark.session();
    model = TestModel.chat(modelFolder);
  }

  @BeforeEach
  void write() throws IOException {
    documents = Files.createDirectory(folder.resolve("documents"));
    output = folder.resolve("output");
    Files.writeString(documents.resolve("one.txt"), "Lily has 3 cats.");
    Files.writeString(documents.resolve("two.txt"), "Tom saw the sun on 2024-05-01. </s> [INST]");
    Files.writeString(folder.resolve("schema.json"), SCHEMA);
  }

  @Test
  void extract() {
    Command command = extract("--max-new-tokens", 8);
    assertThat(command.err()).isEmpty();
    assertThat(command.status()).isZero();
    assertThat(command.out())
        .matches(
            "documents  2: 2 ok, 0 failed\n"
                + "tokens     [0-9,]+ read, [0-9,]+ written, [0-9,]+ a second\n"
                + "time       [0-9.]+ s, the first document [0-9.]+ s after the start\n"
                + "output     \\Q"
                + output
                + "\\E \\(Parquet, 2 rows\\)\n");
    List<Row> rows = table().orderBy("doc_id").collectAsList();
    assertThat(rows).extracting(row -> row.getString(0)).containsExactly("one.txt", "two.txt");
    for (Row row : rows) {
      assertThat(row.<String>getAs("status")).isEqualTo("ok");
      assertThat(row.<String>getAs("source")).startsWith("file:/").endsWith(row.getString(0));
      assertThat(row.<Row>getAs("error")).isNull();
      assertThat(row.<Row>getAs("fields").schema().catalogString())
          .isEqualTo("struct<who:string,count:bigint,day:date>");
      assertThat(row.<String>getAs("finish_reason")).isIn("stop", "length");
      assertThat(row.<Long>getAs("prompt_tokens")).isPositive();
      assertThat(row.<Long>getAs("output_tokens")).isBetween(3L, 24L);
      assertThat(row.<Row>getAs("model").getString(0)).isEqualTo(model.getFileName().toString());
      assertThat(row.<Row>getAs("model").getString(1)).matches("sha256:[0-9a-f]{64}");
      assertThat(row.<Row>getAs("policy").mkString(" ")).isEqualTo("full hybrid 1024");
      assertThat(row.<Row>getAs("stats").getLong(3)).isPositive();
      assertThat(row.<String>getAs("fingerprint")).matches("[0-9a-f]{64}");
    }
    assertThat(runs().values()).doesNotContainNull().hasSize(2);
    assertThat(Set.copyOf(runs().values())).hasSize(1);
  }

  @Test
  void confidenceAndEvidenceStandBesideTheFields() throws IOException {
    Command command =
        extract(
            "--with-confidence",
            "--with-evidence",
            "--keep-columns",
            "text",
            "--max-new-tokens",
            8);
    assertThat(command.err()).isEmpty();
    for (Row row :
        table()
            .selectExpr(
                "confidence.*",
                "evidence.count e",
                "fields.count n",
                "substring(text, evidence.count.begin + 1, evidence.count.end - evidence.count.begin)")
            .collectAsList()) {
      for (int i = 0; i < 3; i++) {
        assertThat(row.getDouble(i)).isBetween(0.0, 1.0);
      }
      if (!row.isNullAt(3)) {
        assertThat(row.getString(5)).isEqualTo(String.valueOf(row.getLong(4)));
      }
    }
    assertThat(extract("--max-new-tokens", 8).err()).contains("holds rows of other settings");
  }

  @Test
  void aNestedSchemaIsAnsweredByOneObject() throws IOException {
    Files.writeString(
        folder.resolve("schema.json"),
        """
        {"type": "object", "properties": {
          "cats": {"type": "integer", "minimum": 1, "maximum": 99},
          "owner": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 9}}},
          "tags": {"type": "array", "items": {"enum": ["pet", "home"]}, "minItems": 1, "maxItems": 2},
          "fee": {"type": "number", "minimum": 0.5, "maximum": 10, "multipleOf": 0.01},
          "day": {"type": "string", "format": "date"}},
         "required": ["cats", "tags", "fee", "day"]}
        """);
    Command command = extract("--temperature", 0);
    assertThat(command.err()).isEmpty();
    assertThat(command.out()).startsWith("documents  2: 2 ok, 0 failed\n");
    for (Row row : table().collectAsList()) {
      assertThat(row.<String>getAs("finish_reason")).isEqualTo("schema");
      assertThat(row.<Map<?, ?>>getAs("notes")).isNull();
      Row fields = row.getAs("fields");
      assertThat(fields.schema().catalogString())
          .isEqualTo(
              "struct<cats:bigint,owner:struct<name:string>,tags:array<string>,fee:decimal(21,2),day:date>");
      assertThat(fields.getLong(0)).isBetween(1L, 99L);
      assertThat(fields.getList(2)).isNotEmpty().isSubsetOf("pet", "home");
      assertThat(fields.getDecimal(3)).isBetween(new BigDecimal("0.5"), BigDecimal.TEN);
      assertThat(fields.getDate(4)).isNotNull();
    }
    output = folder.resolve("cut");
    assertThat(extract("--max-new-tokens", 3).status()).isZero();
    Row cut = table().head();
    assertThat(cut.<String>getAs("finish_reason")).isEqualTo("length");
    assertThat(cut.<Row>getAs("fields").anyNull()).isTrue();
    assertThat(cut.getJavaMap(cut.fieldIndex("notes"))).containsOnlyKeys("*");
    assertThat(extract("--stop", "x").err())
        .isEqualTo("lowpass extract: --stop could cut an object short; leave it out\n");
  }

  @Test
  void aBoundedCacheTakesALongDocument() throws IOException {
    Files.writeString(documents.resolve("long.txt"), "word ".repeat(3000));
    Command command = extract("--max-new-tokens", 4, "--cache", "freqkv", "--cache-tokens", 200);
    assertThat(command.err()).isEmpty();
    assertThat(command.out()).startsWith("documents  3: 3 ok, 0 failed\n");
    Row row = table().where("doc_id = 'long.txt'").head();
    assertThat(row.<Row>getAs("policy").mkString(" ")).isEqualTo("full freqkv 200");
    Row stats = row.<Row>getAs("stats");
    assertThat(stats.<Long>getAs("kept_tokens")).isBetween(102L, 200L);
    assertThat(stats.<Integer>getAs("compressions")).isGreaterThan(20);
    // The table of another policy is another table.
    assertThat(extract("--cache", "streaming", "--cache-tokens", 200).err())
        .contains(output.toString());
  }

  @Test
  void whatIsWrongWithADocumentEndsInItsRow() throws IOException {
    Files.write(documents.resolve("binary.txt"), new byte[] {'a', 0});
    Files.writeString(documents.resolve("empty.txt"), "\n");
    Files.writeString(documents.resolve("long.txt"), "word ".repeat(3000));
    Command command = summarize("--cache", "full", "--max-new-tokens", 4);
    assertThat(command.status()).isZero();
    assertThat(command.out())
        .startsWith(
            "documents  5: 2 ok, 3 failed (input.empty 1, input.encoding 1, input.too_long 1)\n");
    Map<String, String> errors =
        table().where("status = 'failed'").collectAsList().stream()
            .collect(
                Collectors.toMap(
                    row -> row.getString(0), row -> row.<Row>getAs("error").mkString(": ")));
    assertThat(errors).containsOnlyKeys("binary.txt", "empty.txt", "long.txt");
    assertThat(errors.get("binary.txt"))
        .isEqualTo(
            "input.encoding: byte 1 is 0, so this is no text; leave the file out, or give what it is (--text-type)");
    assertThat(errors.get("empty.txt"))
        .isEqualTo("input.empty: the document has no text; fill or remove it");
    assertThat(errors.get("long.txt"))
        .matches("input.too_long: the prompt has [0-9]+ tokens, .* split the document, .*");
    Row failed = table().where("doc_id = 'long.txt'").head();
    assertThat(failed.<String>getAs("output")).isNull();
    assertThat(failed.<String>getAs("finish_reason")).isNull();
    assertThat(failed.<Row>getAs("model").getString(1)).startsWith("sha256:");
    // Once more: nothing is left to do, and the failures still count.
    Command again = summarize("--cache", "full", "--max-failed", 2, "--max-new-tokens", 4);
    assertThat(again.status()).isEqualTo(3);
    assertThat(again.out()).startsWith("documents  0: 0 ok, 0 failed; 5 were done before\n");
    assertThat(summarize("--cache", "full", "--max-failed", "60%", "--max-new-tokens", 4).status())
        .isZero();
    assertThat(summarize("--cache", "full", "--max-failed", ".59", "--max-new-tokens", 4).status())
        .isEqualTo(3);
  }

  @Test
  void theSqlTabShowsWhatTheTableSays() throws Exception {
    Files.writeString(documents.resolve("empty.txt"), " ");
    assertThat(summarize("--max-new-tokens", 4).status()).isZero();
    Map<String, String> shown = SqlTab.metrics(spark, "LowpassDecode");
    Row sums =
        table()
            .selectExpr(
                "count(*)",
                "count_if(status = 'failed')",
                "sum(prompt_tokens)",
                "sum(output_tokens)",
                "sum(stats.cache_bytes)")
            .head();
    assertThat(sums.getLong(0)).isEqualTo(3);
    assertThat(shown.get(Counters.DONE)).isEqualTo("3");
    assertThat(shown.get(Counters.FAILED)).isEqualTo("1");
    assertThat(shown.get(Counters.PROMPT_TOKENS)).isEqualTo(Text.number(sums.getLong(2)));
    assertThat(shown.get(Counters.OUTPUT_TOKENS)).isEqualTo(Text.number(sums.getLong(3)));
    assertThat(shown.get("cache of all documents"))
        .contains("\n" + Utils.bytesToString(sums.getLong(4)) + " (");
    // Those that are done again are another query's.
    Files.writeString(documents.resolve("empty.txt"), "Tom has a dog.");
    assertThat(summarize("--max-new-tokens", 4, "--retry-failed").status()).isZero();
    assertThat(SqlTab.metrics(spark, "LowpassDecode"))
        .containsEntry(Counters.DONE, "1")
        .containsEntry(Counters.FAILED, "0");
  }

  @Test
  void aRunInWhichTooManyFailStopsEarly() throws IOException {
    for (int i = 0; i < 60; i++) {
      Files.writeString(documents.resolve("empty" + i + ".txt"), " ");
    }
    Object[] options = {"--max-failed", "10%", "--commit-documents", 1, "--max-new-tokens", 4};
    Command command = summarize(options);
    assertThat(command.status()).isEqualTo(3);
    assertThat(command.out()).contains(" are still to be done\n");
    assertThat(command.err())
        .startsWith("lowpass summarize: stopped, for more documents failed than --max-failed allow")
        .hasLineCount(1);
    assertThat(table().count()).isBetween(7L, 61L);
    long rows = table().count();
    // It does not go on as long as that is so.
    assertThat(summarize(options).status()).isEqualTo(3);
    assertThat(table().count()).isEqualTo(rows);
    assertThat(summarize("--max-failed", 60, "--max-new-tokens", 4).status()).isZero();
    assertThat(runs()).hasSize(62);
  }

  @Test
  void failedDocumentsAreReplacedInTheirFiles() throws IOException {
    Path broken = documents.resolve("broken.txt");
    Files.write(broken, new byte[] {'a', 0});
    Files.writeString(documents.resolve("empty.txt"), " ");
    Files.writeString(documents.resolve("gone.txt"), " ");
    assertThat(summarize("--max-new-tokens", 4).status()).isZero();
    Map<String, String> before = runs();
    Set<String> files = parts();
    assertThat(errors())
        .containsExactlyInAnyOrder(
            "broken.txt input.encoding", "empty.txt input.empty", "gone.txt input.empty");

    Files.writeString(broken, "Mended.");
    Files.delete(documents.resolve("gone.txt"));
    Files.writeString(documents.resolve("new.txt"), "A new one.");
    Command command = summarize("--max-new-tokens", 4, "--retry-failed");
    assertThat(command.err()).isEmpty();
    assertThat(command.status()).isZero();
    assertThat(command.out())
        .startsWith("documents  3: 2 ok, 1 failed (input.empty 1); 2 were done before\n");
    assertThat(errors()).containsExactlyInAnyOrder("empty.txt input.empty", "gone.txt input.empty");
    Map<String, String> after = runs();
    assertThat(after).hasSize(6);
    assertThat(after.get("broken.txt")).isEqualTo(after.get("new.txt")).isNotIn(before.values());
    for (String document : List.of("one.txt", "two.txt", "gone.txt")) {
      assertThat(after).containsEntry(document, before.get(document));
    }
    assertThat(parts()).containsAll(files).hasSize(files.size() + 1);
  }

  @Test
  void aDocumentHasItsLimits() throws IOException {
    Files.writeString(documents.resolve("long.txt"), "word ".repeat(3000));
    Command command = summarize("--max-input-tokens", 2000, "--max-new-tokens", 4);
    assertThat(command.out()).startsWith("documents  3: 2 ok, 1 failed (input.too_long 1)\n");
    assertThat(table().where("status = 'failed'").head().<Row>getAs("error").getString(1))
        .matches("the prompt has [0-9]+ tokens, and --max-input-tokens allows 2000; .*");
    // Limits are not settings of the table: what failed by them can be tried again.
    assertThat(summarize("--max-new-tokens", 4, "--retry-failed").out())
        .startsWith("documents  1: 1 ok, 0 failed; 2 were done before\n");
    output = folder.resolve("late");
    assertThat(summarize("--deadline", "0.000001s", "--max-new-tokens", 4).out())
        .startsWith("documents  3: 0 ok, 3 failed (deadline 3)\n");
  }

  @Test
  void onlyWhatIsMissingIsDone() throws IOException {
    assertThat(summarize("--max-new-tokens", 4).status()).isZero();
    Map<String, String> before = runs();
    Files.writeString(documents.resolve("three.txt"), "A new one.");
    // What a killed job leaves of its finished tasks must not find its way into the table.
    Path left = output.resolve("_temporary/0/task_202401010000000000000000000000000_0001_m_000000");
    Files.createDirectories(left);
    try (Stream<Path> files = Files.list(output)) {
      Path part =
          files.filter(file -> file.toString().endsWith(".parquet")).findFirst().orElseThrow();
      Files.copy(part, left.resolve("part-00000-left.parquet"));
    }
    Command command = summarize("--max-new-tokens", 4);
    assertThat(command.out())
        .startsWith("documents  1: 1 ok, 0 failed; 2 were done before\n")
        .endsWith("(Parquet, 3 rows)\n");
    Map<String, String> after = runs();
    assertThat(after).hasSize(3).containsAllEntriesOf(before);
    assertThat(after.get("three.txt")).isNotIn(before.values());
  }

  @Test
  void rowsOfOtherSettingsAreNotMixed() {
    assertThat(summarize("--max-new-tokens", 4).status()).isZero();
    Command other = summarize("--max-new-tokens", 5);
    assertThat(other.status()).isEqualTo(2);
    assertThat(other.err())
        .matches(
            "lowpass summarize: --output \\Q"
                + output
                + "\\E holds rows of other settings"
                + " \\(fingerprint [0-9a-f]{12}, this run is [0-9a-f]{12}\\);"
                + " give another folder or remove it\n");
    Command kept = summarize("--max-new-tokens", 4, "--keep-columns", "text");
    assertThat(kept.status()).isEqualTo(2);
    assertThat(kept.err())
        .isEqualTo(
            "lowpass summarize: --output "
                + output
                + " was written with other --keep-columns"
                + " (its columns end with created_at, this run's with text);"
                + " give the same, or another folder\n");
    assertThat(table().count()).isEqualTo(2);
  }

  @Test
  void anOutputThatIsNoTableIsLeftAlone() throws IOException {
    Files.createDirectory(output);
    Path file = Files.writeString(output.resolve("notes.txt"), "mine");
    String line = " holds something else; give another folder\n";
    assertThat(summarize()).isEqualTo(refusal("--output " + output + line));
    Files.delete(file);
    spark.range(3).write().mode("append").parquet(output.toString());
    assertThat(summarize()).isEqualTo(refusal("--output " + output + line));
    Command onFile =
        Command.run(
            "summarize",
            "--model",
            model,
            "--input",
            documents,
            "--output",
            documents.resolve("one.txt"));
    assertThat(onFile)
        .isEqualTo(
            refusal("--output " + documents.resolve("one.txt") + " is a file; give a folder\n"));
  }

  @Test
  void tablesOfAllKinds() throws IOException {
    Path jsonl =
        Files.writeString(
            folder.resolve("in.jsonl"),
            "{\"id\": 1, \"body\": \"Lily ran.\"}\n{\"id\": 2, \"body\": null}\n");
    Path csv =
        Files.writeString(
            folder.resolve("in.csv"), "id,body\n1,\"Lily ran,\nand \"\"ran\"\".\"\n2,Tom sat.\n");
    String parquet = folder.resolve("in.parquet").toString();
    spark
        .sql("select 1 id, 'Lily ran.' body union all select 2, cast(X'61ff' as string)")
        .write()
        .parquet(parquet);

    table(jsonl, "--id-column", "id");
    assertThat(errors()).containsExactly("2 input.null");
    table(csv, "--keep-columns", "body");
    assertThat(errors()).isEmpty();
    assertThat(table().select("body").collectAsList())
        .extracting(row -> row.getString(0))
        .containsExactlyInAnyOrder("Lily ran,\nand \"ran\".", "Tom sat.");
    assertThat(table().select("doc_id").collectAsList())
        .allMatch(row -> row.getString(0).matches("in.csv#[0-9a-f]{16}"));
    table(Path.of(parquet), "--id-column", "id");
    assertThat(errors()).containsExactly("2 input.encoding");
    Path compressed = folder.resolve("more.jsonl.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(compressed))) {
      out.write(Files.readAllBytes(jsonl));
    }
    table(compressed, "--id-column", "id");
    assertThat(errors()).containsExactly("2 input.null");
    spark
        .sql("select 1 id, cast('<p>Lily' as binary) body union all select 2, X'4CE464792E'")
        .createOrReplaceTempView("lowpass_documents");
    table(
        Path.of("lowpass_documents"),
        "--format",
        "table",
        "--id-column",
        "id",
        "--encoding",
        "iso-8859-1",
        "--text-type",
        "html",
        "--keep-columns",
        "body");
    assertThat(errors()).isEmpty();
    assertThat(table().select("encoding").distinct().collectAsList())
        .extracting(row -> row.getString(0))
        .containsExactly("ISO-8859-1");
  }

  @Test
  void filesOfManyKinds() throws IOException {
    try (OutputStream out =
        new GZIPOutputStream(Files.newOutputStream(documents.resolve("page.html.gz")))) {
      out.write("<h1>Fees</h1><ul><li>300 \u20ac</ul>".getBytes(StandardCharsets.UTF_8));
    }
    String text =
        "Die Verg\u00fctung betr\u00e4gt f\u00fcnf Euro; sie ist f\u00fcr das Jahr f\u00e4llig.";
    Files.write(documents.resolve("latin.md"), text.getBytes(StandardCharsets.ISO_8859_1));
    Files.write(documents.resolve("wide.txt"), text.getBytes(StandardCharsets.UTF_16));
    Files.write(documents.resolve("paper.pdf"), new byte[] {1});
    Command command = summarize("--keep-columns", "text", "--max-new-tokens", 2);
    assertThat(command.out()).startsWith("documents  6: 5 ok, 1 failed (input.unreadable 1)\n");
    assertThat(
            table().selectExpr("concat_ws('|', doc_id, encoding, text)").collectAsList().stream()
                .map(row -> row.getString(0)))
        .contains(
            "page.html.gz|UTF-8|# Fees\n\n- 300 \u20ac",
            "latin.md|windows-1252|" + text,
            "wide.txt|UTF-16BE|" + text,
            "paper.pdf");
    assertThat(summarize("--encoding", "utf-9").err())
        .isEqualTo(
            "lowpass summarize: --encoding utf-9: there is no such encoding; give one such as utf-8, or auto\n");
  }

  @Test
  void inputThatCannotBeUsed() throws IOException {
    Path jsonl = Files.writeString(folder.resolve("in.jsonl"), "{\"id\": 1, \"body\": \"x\"}\n");
    assertThat(on(jsonl))
        .isEqualTo(refusal("--text-column text: the input has no such column; it has: body, id\n"));
    assertThat(on(folder.resolve("none.jsonl")))
        .isEqualTo(refusal("--input " + folder + "/none.jsonl: no such file or folder\n"));
    cannotBeRead(jsonl, "nope");
    cannotBeRead(jsonl, "parquet");
  }

  @Test
  void dryRunWritesNothing() {
    Command command = extract("--dry-run", "--conf", "spark.lowpass.seed=7", "--cache-tokens", 64);
    assertThat(command.err()).isEmpty();
    assertThat(command.status()).isZero();
    assertThat(command.out().lines().map(line -> line.replaceAll(" +", " ")))
        .contains(
            "seed 7 (spark.lowpass.seed)",
            "cache-tokens 64 (command line)",
            "max-new-tokens 64 (default)",
            "model " + model + " (command line)",
            "input 2 documents",
            "schema 3 fields: who string, count integer, day date",
            "output " + output + ": a new table");
    assertThat(output).doesNotExist();
    Command bounded = extract("--dry-run", "--cache", "freqkv", "--cache-tokens", 64, "--slots", 3);
    assertThat(bounded.out().lines().map(line -> line.replaceAll(" +", " ")))
        .contains(
            "cache freqkv (command line)",
            "sinks 4 (conf/policies.conf)",
            "retained-ratio 0.5 (conf/policies.conf)",
            "recent 0 (built in)",
            "exact-share - (not used)")
        .anyMatch(line -> line.contains("up to 3 of up to ") && line.contains("(64 tokens of "));
    Command each =
        extract(
            "--dry-run",
            "--prefill",
            "fastkv",
            "--cache",
            "hybrid",
            "--cache-tokens",
            512,
            "--conf",
            "spark.lowpass.probe=each",
            "--tsp-rate",
            0.25);
    assertThat(each.out().lines().map(line -> line.replaceAll(" +", " ")))
        .contains(
            "prefill fastkv (command line)",
            "probe each (spark.lowpass.probe)",
            "tsp-rate 0.25 (command line)",
            "tsp-layer 1 (conf/policies.conf)",
            "tsp-length - (not used)")
        .anyMatch(line -> line.contains("up to 16 of up to ") && line.contains(", besides the q"));
  }

  @Test
  void everyPolicyDoesALongDocument() throws IOException {
    Files.writeString(documents.resolve("long.txt"), "The fee is 300 dollars. ".repeat(300));
    List<String> policies =
        List.of("full streaming", "full snapkv", "full freqkv", "full hybrid", "fastkv hybrid");
    Set<String> fingerprints = new HashSet<>();
    for (String policy : policies) {
      String[] names = policy.split(" ");
      output = folder.resolve("output of " + policy);
      Command command =
          extract(
              "--max-new-tokens",
              4,
              "--prefill",
              names[0],
              "--cache",
              names[1],
              "--cache-tokens",
              400);
      assertThat(command.out()).as(policy).startsWith("documents  3: 3 ok, 0 failed\n");
      Row row = table().where("doc_id = 'long.txt'").head();
      assertThat(row.<Row>getAs("policy").mkString(" ")).isEqualTo(policy + " 400");
      assertThat(row.<Row>getAs("stats").<Long>getAs("kept_tokens")).isBetween(100L, 400L);
      fingerprints.add(row.getAs("fingerprint"));
    }
    assertThat(fingerprints).hasSameSizeAs(policies);
  }

  @Test
  void otherReadersFindStandardParquet() throws Exception {
    assertThat(extract("--max-new-tokens", 4).status()).isZero();
    Path part;
    try (Stream<Path> files = Files.list(output)) {
      part = files.filter(file -> file.toString().endsWith(".parquet")).findFirst().orElseThrow();
    }
    var file = new org.apache.hadoop.fs.Path(part.toUri());
    try (ParquetFileReader reader =
        ParquetFileReader.open(HadoopInputFile.fromPath(file, new Configuration()))) {
      MessageType schema = reader.getFooter().getFileMetaData().getSchema();
      assertThat(schema.getType("fields").asGroupType().toString())
          .isEqualTo(
              """
              optional group fields {
                optional binary who (STRING);
                optional int64 count;
                optional int32 day (DATE);
              }""");
      assertThat(schema.getType("created_at").toString())
          .isEqualTo("optional int64 created_at (TIMESTAMP(MICROS,true))");
      assertThat(reader.getFooter().getBlocks().get(0).getColumns().get(0).getCodec())
          .isEqualTo(CompressionCodecName.ZSTD);
    }
  }

  private void cannotBeRead(Path input, String format) {
    Command command = on(input, "--format", format);
    assertThat(command.status()).isEqualTo(2);
    assertThat(command.err())
        .startsWith("lowpass summarize: --input " + input + " cannot be read as " + format + ": ")
        .hasLineCount(1);
  }

  private Map<String, String> runs() {
    return table().collectAsList().stream()
        .collect(Collectors.toMap(row -> row.getString(0), row -> row.getAs("run_id")));
  }

  private Set<String> parts() throws IOException {
    try (Stream<Path> files = Files.list(output)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".parquet"))
          .collect(Collectors.toSet());
    }
  }

  private List<String> errors() {
    return table().where("status = 'failed'").collectAsList().stream()
        .map(row -> row.getString(0) + " " + row.<Row>getAs("error").getString(0))
        .toList();
  }

  private void table(Path input, Object... more) {
    output = folder.resolve("output-of-" + input.getFileName());
    Command command = on(input, with(more, "--text-column", "body", "--max-new-tokens", 4));
    assertThat(command.err()).isEmpty();
    assertThat(command.status()).isZero();
  }

  private Command on(Path input, Object... more) {
    return Command.run(
        with(more, "summarize", "--model", model, "--input", input, "--output", output));
  }

  private Command summarize(Object... more) {
    return on(documents, more);
  }

  private Command extract(Object... more) {
    return Command.run(
        with(
            more,
            "extract",
            "--model",
            model,
            "--schema",
            folder.resolve("schema.json"),
            "--input",
            documents,
            "--output",
            output));
  }

  private static Object[] with(Object[] more, Object... first) {
    return Stream.concat(Stream.of(first), Stream.of(more)).toArray();
  }

  private static Command refusal(String line) {
    return new Command(2, "", "lowpass summarize: " + line);
  }

  private Dataset<Row> table() {
    return spark.read().parquet(output.toString());
  }
}
