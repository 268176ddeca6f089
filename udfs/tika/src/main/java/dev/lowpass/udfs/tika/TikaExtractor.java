package dev.lowpass.udfs.tika;

import dev.lowpass.udfs.TextExtractor;
import java.io.IOException;
import java.io.InputStream;
import java.util.Set;
import org.apache.tika.detect.DefaultDetector;
import org.apache.tika.exception.EncryptedDocumentException;
import org.apache.tika.exception.TikaException;
import org.apache.tika.exception.WriteLimitReachedException;
import org.apache.tika.extractor.EmbeddedDocumentExtractor;
import org.apache.tika.io.TikaInputStream;
import org.apache.tika.metadata.Metadata;
import org.apache.tika.metadata.TikaCoreProperties;
import org.apache.tika.parser.AutoDetectParser;
import org.apache.tika.parser.ParseContext;
import org.apache.tika.parser.microsoft.OfficeParser;
import org.apache.tika.parser.microsoft.ooxml.OOXMLParser;
import org.apache.tika.parser.microsoft.rtf.RTFParser;
import org.apache.tika.parser.pdf.PDFParser;
import org.apache.tika.sax.ToHTMLContentHandler;
import org.apache.tika.sax.WriteOutContentHandler;
import org.xml.sax.ContentHandler;
import org.xml.sax.SAXException;

/**
 * Reads PDF and Office files. Of PDF it takes the text that is there: pictures of pages are not
 * recognised. Attachments are left out. Tika's own guard stops files that unpack to a multiple of
 * their size.
 */
public final class TikaExtractor implements TextExtractor {
  private static final EmbeddedDocumentExtractor NO_ATTACHMENTS =
      new EmbeddedDocumentExtractor() {
        @Override
        public boolean shouldParseEmbedded(Metadata metadata) {
          return false;
        }

        @Override
        public void parseEmbedded(
            InputStream stream, ContentHandler handler, Metadata metadata, boolean outputHtml) {}
      };

  private final AutoDetectParser parser =
      new AutoDetectParser(
          new DefaultDetector(TikaExtractor.class.getClassLoader()),
          new PDFParser(),
          new OfficeParser(),
          new OOXMLParser(),
          new RTFParser());

  @Override
  public Set<String> suffixes() {
    return Set.of("pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "rtf", "msg");
  }

  @Override
  public String html(byte[] file, String suffix, int most) throws IOException {
    Metadata metadata = new Metadata();
    metadata.set(TikaCoreProperties.RESOURCE_NAME_KEY, "document." + suffix);
    ParseContext context = new ParseContext();
    context.set(EmbeddedDocumentExtractor.class, NO_ATTACHMENTS);
    ToHTMLContentHandler html = new ToHTMLContentHandler();
    try (TikaInputStream in = TikaInputStream.get(file)) {
      parser.parse(in, new WriteOutContentHandler(html, most), metadata, context);
    } catch (EncryptedDocumentException e) {
      throw new IOException("it needs a password; save it without one", e);
    } catch (TikaException | SAXException e) {
      if (WriteLimitReachedException.isWriteLimitReached(e)) {
        throw new IOException("its text has more than %,d characters; split it".formatted(most), e);
      }
      throw new IOException(e.getMessage(), e);
    }
    // What a file's properties call it is seldom its title.
    String page = html.toString();
    return page.substring(Math.max(0, page.indexOf("<body")));
  }
}
