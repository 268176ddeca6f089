package dev.lowpass.udfs;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
  void brokenUtf8IsAFailedDocumentThatTellsWhere() {
    assertThat(row(new byte[] {'o', 'k', (byte) 0xff, 'x'}).error())
        .isEqualTo(
            new Failure(
                "input.encoding", "byte 2 (0xff) is not UTF-8; convert the document to UTF-8"));
    // A character cut off by the end, an overlong form, and half a surrogate pair.
    assertThat(row(new byte[] {'a', (byte) 0xe2, (byte) 0x82}).error().type())
        .isEqualTo("input.encoding");
    assertThat(row(new byte[] {(byte) 0xc0, (byte) 0x80}).error().type())
        .isEqualTo("input.encoding");
    assertThat(row(new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80}).error().type())
        .isEqualTo("input.encoding");
  }

  @Test
  void aFileIsReadWhereItLies() throws Exception {
    Path file = Files.writeString(folder.resolve("a b:c%20.txt"), "hello");
    Row row = RowFactory.create("id", file.toUri().getPath(), 5L, null, null);
    Document document = DocumentReader.read(row, 1, HADOOP);
    assertThat(document.text()).isEqualTo("hello");
    assertThat(document.kept()).isEqualTo(RowFactory.create("hello"));
  }

  @Test
  void aFileThatIsGoneIsAFailedDocument() {
    Row row = RowFactory.create("id", folder + "/gone.txt", 5L, null, null);
    assertThat(DocumentReader.read(row, 0, HADOOP).error())
        .isEqualTo(
            new Failure(
                "input.unreadable", "the file is gone; put it back: " + folder + "/gone.txt"));
  }

  @Test
  void aFileThatMayNotBeReadIsAFailedDocument() {
    Row row = RowFactory.create("id", folder.toString(), 5L, null, null);
    assertThat(DocumentReader.read(row, 0, HADOOP).error())
        .isEqualTo(
            new Failure(
                "input.unreadable",
                "the file cannot be read: java.io.IOException: Is a directory"));
  }

  @Test
  void aHugeFileIsAFailedDocumentThatIsNotRead() {
    Row row = RowFactory.create("id", folder + "/never-opened", 1L << 40, null, null);
    assertThat(DocumentReader.read(row, 0, HADOOP).error())
        .isEqualTo(
            new Failure(
                "input.too_long",
                "the file has 1,099,511,627,776 bytes, and at most 268,435,456 are read; split it"));
  }

  private static Document row(byte[] content) {
    Row row = RowFactory.create("id", "source", null, content, RowFactory.create());
    return DocumentReader.read(row, 0, HADOOP);
  }
}
