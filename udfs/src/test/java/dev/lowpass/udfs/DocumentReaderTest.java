package dev.lowpass.udfs;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.luben.zstd.Zstd;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DocumentReaderTest {
  private static final Configuration HADOOP = new Configuration();

  @TempDir Path folder;

  @Test
  void textIsReadAsItStands() {
    Document document = row("Größe: 3 €\r\n<|eot_id|>".getBytes(StandardCharsets.UTF_8));
    assertThat(document.text()).isEqualTo("Größe: 3 €\r\n<|eot_id|>");
    assertThat(document.error()).isNull();
    assertThat(document.docId()).isEqualTo("id");
  }

  @Test
  void aByteOrderMarkIsNoText() {
    assertThat(row("\uFEFFx".getBytes(StandardCharsets.UTF_8)).text()).isEqualTo("x");
  }

  @Test
  void nullIsAFailedDocument() {
    assertThat(row(null).error())
        .isEqualTo(
            new Failure("input.null", "the text is null; fill it, or give another --text-column"));
  }

  @Test
  void blankIsAFailedDocument() {
    Failure empty = new Failure("input.empty", "the document has no text; fill or remove it");
    assertThat(row(new byte[0]).error()).isEqualTo(empty);
    assertThat(row(" \n\t ".getBytes(StandardCharsets.UTF_8)).error()).isEqualTo(empty);
  }

  @Test
  void aFileIsReadWhereItLies() throws Exception {
    Path file = Files.writeString(folder.resolve("a b:c%20.txt"), "hello");
    Row row = RowFactory.create("id", file.toUri().getPath(), 5L, null, null);
    Document document = reader(1).read(row);
    assertThat(document.text()).isEqualTo("hello");
    assertThat(document.kept()).isEqualTo(RowFactory.create("hello"));
  }

  @Test
  void aFileThatIsGoneIsAFailedDocument() {
    Row row = RowFactory.create("id", folder + "/gone.txt", 5L, null, null);
    assertThat(reader(0).read(row).error())
        .isEqualTo(
            new Failure(
                "input.unreadable", "the file is gone; put it back: " + folder + "/gone.txt"));
  }

  @Test
  void aFileThatMayNotBeReadIsAFailedDocument() {
    Row row = RowFactory.create("id", folder.toString(), 5L, null, null);
    assertThat(reader(0).read(row).error())
        .isEqualTo(
            new Failure(
                "input.unreadable",
                "the file cannot be read: java.io.IOException: Is a directory"));
  }

  @Test
  void aHugeFileIsAFailedDocumentThatIsNotRead() {
    Row row = RowFactory.create("id", folder + "/never-opened", 1L << 40, null, null);
    assertThat(reader(0).read(row).error())
        .isEqualTo(
            new Failure(
                "input.too_long",
                "the file has 1,099,511,627,776 bytes, and at most 268,435,456 are read; split it"));
  }

  private static DocumentReader reader(int keptColumns) {
    return new DocumentReader(DocumentFormat.ANY, keptColumns, HADOOP);
  }

  private static byte[] gzip(byte[] content) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (OutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(content);
    }
    return out.toByteArray();
  }

  private Document file(String name, byte[] content) throws IOException {
    Path file = Files.write(folder.resolve(name), content);
    Row row = RowFactory.create("id", file.toString(), (long) content.length, null, null);
    return new DocumentReader(DocumentFormat.ANY, 0, HADOOP, /* maxBytes= */ 1000).read(row);
  }

  @Test
  void compressedFilesAreReadAsWhatTheyHold() throws IOException {
    byte[] page = "<p>Größe</p>".getBytes(StandardCharsets.UTF_8);
    assertThat(file("a.html.gz", gzip(page)).text()).isEqualTo("Größe");
    assertThat(file("A.HTML.ZST", Zstd.compress(page)).text()).isEqualTo("Größe");
    assertThat(file("a.zst", Zstd.compress(page)).text()).isEqualTo("<p>Größe</p>");
    // Two members, as `cat a.gz b.gz` makes them.
    byte[] one = gzip("one ".getBytes(StandardCharsets.UTF_8));
    byte[] both = Arrays.copyOf(one, 2 * one.length);
    System.arraycopy(one, 0, both, one.length, one.length);
    assertThat(file("b.gz", both).text()).isEqualTo("one one ");
  }

  @Test
  void whatUnpacksToMoreThanTheLimitIsAFailedDocument() throws IOException {
    byte[] blanks = new byte[1_000_000];
    Arrays.fill(blanks, (byte) ' ');
    Failure tooLong =
        new Failure(
            "input.too_long",
            "the file has more than 1,000 bytes when it is decompressed, and no more are read; split it");
    assertThat(file("bomb.gz", gzip(Arrays.copyOf(blanks, 1001))).error()).isEqualTo(tooLong);
    assertThat(file("bomb.zst", Zstd.compress(blanks)).error()).isEqualTo(tooLong);
    assertThat(file("small.zst", Zstd.compress(Arrays.copyOf(blanks, 1000))).error().type())
        .isEqualTo("input.empty");
  }

  @Test
  void brokenCompressionIsAFailedDocument() throws IOException {
    byte[] gzip = gzip("some text".getBytes(StandardCharsets.UTF_8));
    assertThat(file("cut.gz", Arrays.copyOf(gzip, gzip.length - 4)).error())
        .isEqualTo(
            new Failure(
                "input.unreadable", "the file ends too early for its compression; copy it again"));
    assertThat(file("not.gz", new byte[] {1, 2, 3}).error().type()).isEqualTo("input.unreadable");
    assertThat(file("not.zst", new byte[] {1, 2, 3, 4, 5}).error().type())
        .isEqualTo("input.unreadable");
  }

  @Test
  void aFormatThatTakesAModuleSaysSo() throws IOException {
    assertThat(file("a.PDF", new byte[] {1}).error())
        .isEqualTo(
            new Failure(
                "input.unreadable",
                "reading pdf files takes the module lowpass-tika; give Spark its jar (--conf spark.jars=lowpass-tika.jar)"));
  }

  @Test
  void aRowTellsItsEncoding() throws IOException {
    assertThat(file("a.txt", "x".getBytes(StandardCharsets.UTF_16)).encoding())
        .isEqualTo("UTF-16BE");
    assertThat(row("x".getBytes(StandardCharsets.UTF_8)).encoding()).isEqualTo("UTF-8");
    assertThat(row(new byte[0]).encoding()).isNull();
  }

  private static Document row(byte[] content) {
    Row row = RowFactory.create("id", "source", null, content, RowFactory.create());
    return reader(0).read(row);
  }
}
