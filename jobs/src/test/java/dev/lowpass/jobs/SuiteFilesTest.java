package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.pipeline.evaluation.EvaluationException;
import dev.lowpass.pipeline.evaluation.suite.Suite;
import dev.lowpass.pipeline.evaluation.suite.SuiteRow;
import dev.lowpass.pipeline.evaluation.suite.SuiteSettings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SuiteFilesTest {
  @TempDir Path folder;

  private static List<SuiteRow> rows(Suite suite, Path path, String schema) throws IOException {
    SuiteFiles files = new SuiteFiles(new SuiteSettings("schema", schema, List.of(64)));
    files.add(suite, path);
    return files.rows();
  }

  private Path write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }

  @Test
  void generatedSetsLieByLengthAndTask() throws IOException {
    write("sets/4096/vt/validation.jsonl", "{\"a\": 1}\n{\"a\": 2}\n");
    write("sets/1024/cwe/validation.jsonl", "{\"a\": 1}\n");
    write("sets/README.md", "no rows");
    assertThat(rows(Suite.RULER, folder.resolve("sets"), ""))
        .extracting(row -> row.task() + " " + row.length() + " " + row.source())
        .containsExactly(
            "cwe 1024 validation.jsonl:1",
            "vt 4096 validation.jsonl:1",
            "vt 4096 validation.jsonl:2");
  }

  @Test
  void longBenchsFilesAreTasks() throws IOException {
    write("data/trec.jsonl", "{}\n\n{\n");
    write("data/hotpotqa_e.jsonl", "{}\n");
    assertThat(rows(Suite.LONGBENCH, folder.resolve("data"), ""))
        .extracting(row -> row.task() + " " + row.source())
        .containsExactly("hotpotqa hotpotqa_e.jsonl:1", "trec trec.jsonl:1", "trec trec.jsonl:3");
  }

  @Test
  void expectedValuesFindTheirDocuments() throws IOException {
    write("set/one.txt", "The fee is 7.");
    write("secret.txt", "not of the set");
    Path file =
        write(
            "set.expected.jsonl",
            "{\"doc_id\": \"one.txt\"}\n{\"doc_id\": \"two.txt\"}\n"
                + "{\"doc_id\": \"../secret.txt\"}\n{\"doc_id\": \"x\", \"text\": \"here\"}\n{\n");
    assertThat(rows(Suite.EXTRACTION, file, ""))
        .extracting(SuiteRow::json)
        .containsExactly(
            "{\"doc_id\":\"one.txt\",\"text\":\"The fee is 7.\"}",
            "{\"doc_id\": \"two.txt\"}",
            "{\"doc_id\": \"../secret.txt\"}",
            "{\"doc_id\": \"x\", \"text\": \"here\"}",
            "{");
  }

  @Test
  void aRowIsKnownByWhatItSays() throws IOException {
    Path file = write("kv.jsonl", "{\"a\": 1}\n{\"a\": 2}\n{\"a\": 1}\n");
    List<SuiteRow> rows = rows(Suite.SHARED, file, "");
    assertThat(rows).extracting(SuiteRow::id).doesNotHaveDuplicates();
    assertThat(rows.get(2).id()).isEqualTo(rows.get(0).id() + "-2");
    Path moved = write("elsewhere/kv.jsonl", "\n{\"a\": 2}\n");
    assertThat(rows(Suite.SHARED, moved, "").get(0).id()).isEqualTo(rows.get(1).id());
    // A field's question is part of what is asked.
    Path expected = write("e.jsonl", "{\"text\": \"a\"}\n");
    assertThat(rows(Suite.EXTRACTION, expected, "one").get(0).id())
        .isNotEqualTo(rows(Suite.EXTRACTION, expected, "two").get(0).id());
  }

  @Test
  void whatIsNotThere() throws IOException {
    Path empty = Files.createDirectory(folder.resolve("empty"));
    assertThatThrownBy(() -> rows(Suite.RULER, empty, ""))
        .isInstanceOf(UsageException.class)
        .hasMessage("--data " + empty + ": has nothing of suite ruler");
  }

  @Test
  void aLineThatIsNoTextLeavesTheOthers() throws IOException {
    byte[] lines = "{\"a\": 1}\n{\"b\": \"?\"}\n{\"a\": 2}".getBytes(StandardCharsets.UTF_8);
    lines[16] = (byte) 0xfe;
    Path file = Files.write(folder.resolve("kv.jsonl"), lines);
    List<SuiteRow> rows = rows(Suite.SHARED, file, "");
    assertThat(rows)
        .extracting(SuiteRow::json)
        .containsExactly("{\"a\": 1}", SuiteRow.NOT_UTF_8, "{\"a\": 2}");
    assertThatThrownBy(() -> Suite.read(rows.get(1), new SuiteSettings("", "", List.of())))
        .isInstanceOf(EvaluationException.class)
        .hasMessage("not UTF-8");
  }
}
