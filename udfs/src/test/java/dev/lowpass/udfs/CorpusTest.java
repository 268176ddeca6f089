package dev.lowpass.udfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusTest {
  private final SparkSession spark = TestSpark.session();

  @TempDir Path folder;

  @Test
  void aFileIsADocumentCalledByItsPathBelowTheInput() throws IOException {
    write("a.txt");
    write("deep/er/b.txt");
    write("deep/a.txt");
    write(".hidden");
    write("_SUCCESS");
    write("_temporary/x.txt");
    assertThat(ids(files(folder.toString())))
        .containsExactly("a.txt", "deep/a.txt", "deep/er/b.txt");
    assertThat(ids(files(folder.resolve("deep/a.txt").toString()))).containsExactly("a.txt");
    assertThat(ids(files(folder + "/deep/*/*.txt"))).containsExactly("er/b.txt");
    assertThat(ids(files(folder + "/d*"))).containsExactly("deep/a.txt", "deep/er/b.txt");
    assertThat(ids(files(folder + "/**/a.txt"))).containsExactly("a.txt", "deep/a.txt");
    assertThat(ids(files(folder + "/d*/**/*.txt"))).containsExactly("deep/a.txt", "deep/er/b.txt");
    assertThat(ids(files(folder + "/deep/**"))).containsExactly("a.txt", "er/b.txt");
    assertThat(ids(files(folder.toUri().toString()))).hasSize(3);
  }

  @Test
  void aFileNamedTwiceIsOneDocument() throws IOException {
    write("a.txt");
    assertThat(ids(files(folder.toString(), folder + "/a.txt", folder + "/*.txt")))
        .containsExactly("a.txt");
  }

  @Test
  void strangeFileNamesAreFiles() throws IOException {
    write("a [1] {x}*.txt");
    write("b:c %20.txt");
    assertThat(ids(files(folder.toString()))).containsExactly("a [1] {x}*.txt", "b:c %20.txt");
    assertThat(ids(files(folder + "/a [1] {x}*.txt"))).containsExactly("a [1] {x}*.txt");
  }

  @Test
  void twoDocumentsOfOneNameAreRefused() throws IOException {
    write("x/a.txt");
    write("y/a.txt");
    assertThatThrownBy(() -> files(folder + "/x", folder + "/y"))
        .isInstanceOf(InputException.class)
        .hasMessageMatching(
            "--input: two documents are called a.txt: .*/x/a.txt and .*/y/a.txt;"
                + " give a folder above both as --input, or rename one");
  }

  @Test
  void inputThatIsNotThereIsRefused() throws IOException {
    assertThatThrownBy(() -> files(folder + "/nope"))
        .isInstanceOf(InputException.class)
        .hasMessage("--input " + folder + "/nope: no such file or folder");
    assertThatThrownBy(() -> files(folder + "/nope/**"))
        .hasMessage("--input " + folder + "/nope/**: no such file or folder");
    assertThatThrownBy(() -> files(folder + "/*.txt"))
        .hasMessage("--input " + folder + "/*.txt: no such file or folder");
    assertThatThrownBy(() -> files(folder.toString()))
        .hasMessage("--input " + folder + ": no files in there");
  }

  @Test
  void aTablesIdsAreItsIdColumn() {
    Corpus corpus =
        Corpus.ofTable(
            json("{\"n\":7,\"text\":\"x\"}", "{\"n\":8,\"text\":\"y\"}"),
            "n",
            "text",
            List.of(),
            DocumentFormat.ANY);
    assertThat(ids(corpus)).containsExactly("7", "8");
  }

  @Test
  void idsThatOccurTwiceAreRefused() {
    Dataset<Row> table =
        json("{\"n\":7,\"text\":\"x\"}", "{\"n\":7,\"text\":\"y\"}", "{\"n\":8,\"text\":\"y\"}");
    assertThatThrownBy(() -> Corpus.ofTable(table, "n", "text", List.of(), DocumentFormat.ANY))
        .isInstanceOf(InputException.class)
        .hasMessage(
            "--id-column n: 1 of its values occur more than once, such as '7';"
                + " give a column whose values differ, or none");
  }

  @Test
  void idsWithoutAColumnAreStableAndDiffer() {
    String[] rows = {"{\"text\":\"x\"}", "{\"text\":\"y\"}", "{\"text\":\"x\"}", "{\"n\":1}"};
    List<String> ids = ids(Corpus.ofTable(json(rows), null, "text", List.of(), DocumentFormat.ANY));
    assertThat(ids).doesNotHaveDuplicates().hasSize(4);
    // The first digits of SHA-256 of "", "x" (twice) and "y".
    assertThat(ids)
        .containsExactly(
            "#2d711642b726b044", "#2d711642b726b044-2", "#a1fce4363854ff88", "#e3b0c44298fc1c14");
  }

  @Test
  void aRowWithoutIdIsStillADocument() {
    Corpus corpus =
        Corpus.ofTable(
            json("{\"n\":\"a\",\"text\":\"x\"}", "{\"text\":\"y\"}"),
            "n",
            "text",
            List.of(),
            DocumentFormat.ANY);
    assertThat(ids(corpus)).containsExactly("#a1fce4363854ff88", "a");
  }

  @Test
  void columnsThatAreNotThereAreNamedWithThoseThatAre() {
    Dataset<Row> table = json("{\"n\":7,\"body\":\"x\",\"a.b\":[1]}");
    assertThatThrownBy(() -> Corpus.ofTable(table, null, "text", List.of(), DocumentFormat.ANY))
        .isInstanceOf(InputException.class)
        .hasMessage("--text-column text: the input has no such column; it has: a.b, body, n");
    assertThatThrownBy(() -> Corpus.ofTable(table, "id", "body", List.of(), DocumentFormat.ANY))
        .hasMessage("--id-column id: the input has no such column; it has: a.b, body, n");
    assertThatThrownBy(() -> Corpus.ofTable(table, null, "body", List.of("x"), DocumentFormat.ANY))
        .hasMessage("--keep-columns x: the input has no such column; it has: a.b, body, n");
    assertThatThrownBy(() -> Corpus.ofTable(table, null, "n", List.of(), DocumentFormat.ANY))
        .hasMessage("--text-column n is of type bigint; give a column of strings, or binary");
    assertThatThrownBy(() -> Corpus.ofTable(table, null, "a.b", List.of(), DocumentFormat.ANY))
        .hasMessage(
            "--text-column a.b is of type array<bigint>; give a column of strings, or binary");
  }

  @Test
  void aKeptColumnMayNotHaveTheNameOfOneOfTheTables() {
    Dataset<Row> table = json("{\"status\":7,\"text\":\"x\"}");
    assertThatThrownBy(
            () -> Corpus.ofTable(table, null, "text", List.of("status"), DocumentFormat.ANY))
        .isInstanceOf(InputException.class)
        .hasMessage(
            "--keep-columns status: the output has a column of that name; rename the input's");
  }

  @Test
  void withoutLeavesOutWhatIsDone() throws IOException {
    write("a.txt");
    write("b.txt");
    Dataset<Row> done =
        spark.createDataset(List.of("b.txt", "z.txt"), Encoders.STRING()).toDF("doc_id");
    Corpus missing = files(folder.toString()).without(done);
    assertThat(missing.size()).isEqualTo(1);
    assertThat(ids(missing)).containsExactly("a.txt");
  }

  private void write(String name) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, "text");
  }

  private Corpus files(String... inputs) throws IOException {
    return Corpus.ofFiles(spark, List.of(inputs), List.of(), DocumentFormat.ANY);
  }

  private Dataset<Row> json(String... lines) {
    return spark.read().json(spark.createDataset(List.of(lines), Encoders.STRING()));
  }

  private static List<String> ids(Corpus corpus) {
    List<String> ids = new ArrayList<>(corpus.ids().as(Encoders.STRING()).collectAsList());
    ids.sort(null);
    return ids;
  }
}
