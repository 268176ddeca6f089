package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.DocumentException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/** Turns a row of a {@link Corpus} into its document, reading the file where it is one. */
final class DocumentReader {
  /**
   * Column of the document's id; null where there is no document but a row that is {@link #DONE}.
   */
  static final int ID = 0;

  private static final int SOURCE = 1;
  private static final int LENGTH = 2;
  private static final int CONTENT = 3;
  private static final int KEPT = 4;

  /** Column of a finished row of the output; only among documents that are done again. */
  static final int DONE = 5;

  /** Far above any model's window, and well below what would fill an executor's memory. */
  private static final long MAX_BYTES = 256L << 20;

  private static final char BYTE_ORDER_MARK = '\uFEFF';

  private DocumentReader() {}

  static Document read(Row row, int keptColumns, Configuration hadoop) {
    boolean isFile = !row.isNullAt(LENGTH);
    String text = null;
    Failure error = null;
    try {
      text = isFile ? ofFile(row, hadoop) : ofRow(row);
    } catch (DocumentException e) {
      error = new Failure(e.type(), e.getMessage());
    }
    Row kept = isFile ? keptOfFile(keptColumns, text) : row.getStruct(KEPT);
    return new Document(row.getString(ID), row.getString(SOURCE), text, error, kept);
  }

  private static Row keptOfFile(int columns, String text) {
    return columns == 0 ? RowFactory.create() : RowFactory.create(text);
  }

  private static String ofRow(Row row) {
    if (row.isNullAt(CONTENT)) {
      throw new DocumentException(
          Failure.NULL, "the text is null; fill it, or give another --text-column");
    }
    return decode(row.<byte[]>getAs(CONTENT));
  }

  private static String ofFile(Row row, Configuration hadoop) {
    if (row.getLong(LENGTH) > MAX_BYTES) {
      throw new DocumentException(
          Failure.TOO_LONG,
          "the file has %,d bytes, and at most %,d are read; split it"
              .formatted(row.getLong(LENGTH), MAX_BYTES));
    }
    Path path = new Path(row.getString(SOURCE));
    try {
      return decode(bytes(path, hadoop));
    } catch (FileNotFoundException | NoSuchFileException e) {
      throw new DocumentException(Failure.UNREADABLE, "the file is gone; put it back: " + path);
    } catch (IOException | IllegalArgumentException e) {
      throw new DocumentException(Failure.UNREADABLE, "the file cannot be read: " + e);
    }
  }

  private static byte[] bytes(Path path, Configuration hadoop) throws IOException {
    String scheme = path.toUri().getScheme();
    if (scheme == null || scheme.equals("file")) {
      // Hadoop's own local file system cannot open names with a colon.
      return Files.readAllBytes(java.nio.file.Path.of(path.toUri().getPath()));
    }
    try (var in = path.getFileSystem(hadoop).open(path)) {
      return in.readAllBytes();
    }
  }

  /**
   * Strictly decodes a document.
   *
   * @throws DocumentException if it is not UTF-8, or blank
   */
  static String decode(byte[] utf8) {
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(utf8);
    CharBuffer out = CharBuffer.allocate(utf8.length);
    CoderResult result = decoder.decode(in, out, /* endOfInput= */ true);
    if (result.isError()) {
      throw new DocumentException(
          Failure.ENCODING,
          "byte %d (0x%02x) is not UTF-8; convert the document to UTF-8"
              .formatted(in.position(), utf8[in.position()]));
    }
    String text = out.flip().toString();
    if (!text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK) {
      text = text.substring(1);
    }
    if (text.isBlank()) {
      throw new DocumentException(Failure.EMPTY, "the document has no text; fill or remove it");
    }
    return text;
  }
}
