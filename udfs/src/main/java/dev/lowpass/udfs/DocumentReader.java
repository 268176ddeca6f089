package dev.lowpass.udfs;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;
import dev.lowpass.pipeline.engine.DocumentException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
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

  /** What compression adds to a file's name. */
  private static final String COMPRESSED = "\\.(gz|zst)$";

  /** Far above any model's window, and well below what would fill an executor's memory. */
  private static final int MAX_BYTES = 256 << 20;

  private static final int BUFFER = 1 << 16;

  private final DocumentFormat format;
  private final int keptColumns;
  private final Configuration hadoop;
  private final int maxBytes;

  /**
   * @param keptColumns how many input columns go into the output
   */
  DocumentReader(DocumentFormat format, int keptColumns, Configuration hadoop) {
    this(format, keptColumns, hadoop, MAX_BYTES);
  }

  /**
   * @param maxBytes of a document, without its compression
   */
  DocumentReader(DocumentFormat format, int keptColumns, Configuration hadoop, int maxBytes) {
    this.format = format;
    this.keptColumns = keptColumns;
    this.hadoop = hadoop;
    this.maxBytes = maxBytes;
  }

  Document read(Row row) {
    boolean isFile = !row.isNullAt(LENGTH);
    DocumentText text = new DocumentText(null, null);
    Failure error = null;
    try {
      text = isFile ? ofFile(row) : ofRow(row);
    } catch (DocumentException e) {
      error = new Failure(e.type(), e.getMessage());
    }
    Row kept = isFile ? keptOfFile(keptColumns, text.text()) : row.getStruct(KEPT);
    return new Document(
        row.getString(ID), row.getString(SOURCE), text.text(), text.encoding(), error, kept);
  }

  private static Row keptOfFile(int columns, String text) {
    return columns == 0 ? RowFactory.create() : RowFactory.create(text);
  }

  private DocumentText ofRow(Row row) {
    if (row.isNullAt(CONTENT)) {
      throw new DocumentException(
          Failure.NULL, "the text is null; fill it, or give another --text-column");
    }
    return DocumentText.of(row.<byte[]>getAs(CONTENT), /* name= */ "", format);
  }

  private DocumentText ofFile(Row row) {
    if (row.getLong(LENGTH) > maxBytes) {
      throw new DocumentException(
          Failure.TOO_LONG,
          "the file has %,d bytes, and at most %,d are read; split it"
              .formatted(row.getLong(LENGTH), maxBytes));
    }
    Path path = new Path(row.getString(SOURCE));
    String name = path.getName().toLowerCase(Locale.ROOT);
    byte[] content;
    try (InputStream file = open(path);
        InputStream in = plain(file, name)) {
      content = in.readNBytes(maxBytes + 1);
    } catch (FileNotFoundException | NoSuchFileException e) {
      throw new DocumentException(Failure.UNREADABLE, "the file is gone; put it back: " + path);
    } catch (EOFException e) {
      throw new DocumentException(
          Failure.UNREADABLE, "the file ends too early for its compression; copy it again");
    } catch (IOException | IllegalArgumentException e) {
      throw new DocumentException(Failure.UNREADABLE, "the file cannot be read: " + e);
    }
    if (content.length > maxBytes) {
      throw new DocumentException(
          Failure.TOO_LONG,
          "the file has more than %,d bytes when it is decompressed, and no more are read; split it"
              .formatted(maxBytes));
    }
    return DocumentText.of(content, name.replaceFirst(COMPRESSED, ""), format);
  }

  private InputStream open(Path path) throws IOException {
    String scheme = path.toUri().getScheme();
    if (scheme == null || scheme.equals("file")) {
      // Hadoop's own local file system cannot open names with a colon.
      return Files.newInputStream(java.nio.file.Path.of(path.toUri().getPath()));
    }
    return path.getFileSystem(hadoop).open(path);
  }

  /** What a compressed file holds; Hadoop's own codecs need native libraries for some of these. */
  private static InputStream plain(InputStream file, String name) throws IOException {
    if (name.endsWith(".gz")) {
      return new GZIPInputStream(file, BUFFER);
    }
    return name.endsWith(".zst")
        ? new ZstdInputStreamNoFinalizer(new BufferedInputStream(file, BUFFER))
        : file;
  }
}
