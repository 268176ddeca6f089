package dev.lowpass.udfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.pipeline.engine.DocumentException;
import dev.lowpass.udfs.tika.TikaExtractor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.PDPage;
import org.apache.pdfbox.pdmodel.PDPageContentStream;
import org.apache.pdfbox.pdmodel.encryption.AccessPermission;
import org.apache.pdfbox.pdmodel.encryption.StandardProtectionPolicy;
import org.apache.pdfbox.pdmodel.font.PDType1Font;
import org.apache.pdfbox.pdmodel.font.Standard14Fonts.FontName;
import org.apache.poi.hssf.usermodel.HSSFWorkbook;
import org.apache.poi.ss.usermodel.Row;
import org.apache.poi.ss.usermodel.Workbook;
import org.apache.poi.xssf.usermodel.XSSFWorkbook;
import org.apache.poi.xwpf.usermodel.XWPFDocument;
import org.apache.poi.xwpf.usermodel.XWPFTable;
import org.junit.jupiter.api.Test;

/** Documents as a task reads them, with this module on the class path. */
class TikaDocumentsTest {
  private static String read(byte[] file, String name) {
    DocumentText read = DocumentText.of(file, name, DocumentFormat.ANY);
    assertThat(read.encoding()).isNull();
    return read.text();
  }

  private static PDDocument pdf(String... lines) throws IOException {
    PDDocument document = new PDDocument();
    PDPage page = new PDPage();
    document.addPage(page);
    try (PDPageContentStream content = new PDPageContentStream(document, page)) {
      content.beginText();
      content.setFont(new PDType1Font(FontName.HELVETICA), 12);
      content.newLineAtOffset(72, 700);
      for (String line : lines) {
        content.showText(line);
        content.newLineAtOffset(0, -14);
      }
      content.endText();
    }
    return document;
  }

  private static byte[] bytes(PDDocument document) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (document) {
      document.save(out);
    }
    return out.toByteArray();
  }

  @Test
  void pdf() throws IOException {
    byte[] file = bytes(pdf("This agreement is between Acme Corp.", "and Zenith GmbH."));
    assertThat(read(file, "contract.pdf"))
        .isEqualTo("This agreement is between Acme Corp. and Zenith GmbH.");
  }

  @Test
  void aPdfThatOnlyItsOwnerMayChangeIsRead() throws IOException {
    PDDocument document = pdf("May be read.");
    document.protect(new StandardProtectionPolicy("owner", "", new AccessPermission()));
    assertThat(read(bytes(document), "a.pdf")).isEqualTo("May be read.");
  }

  @Test
  void aPdfWithAPasswordIsAFailedDocument() throws IOException {
    PDDocument document = pdf("May not be read.");
    document.protect(new StandardProtectionPolicy("owner", "user", new AccessPermission()));
    byte[] file = bytes(document);
    assertThatThrownBy(() -> read(file, "a.pdf"))
        .isInstanceOf(DocumentException.class)
        .hasMessage("the PDF file cannot be read: it needs a password; save it without one");
  }

  @Test
  void word() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (XWPFDocument document = new XWPFDocument()) {
      document.createParagraph().createRun().setText("Parties: Acme & Söhne <AG>");
      XWPFTable table = document.createTable(2, 2);
      table.getRow(0).getCell(0).setText("Item");
      table.getRow(0).getCell(1).setText("Price");
      table.getRow(1).getCell(0).setText("Steel");
      table.getRow(1).getCell(1).setText("12.50");
      document.write(out);
    }
    assertThat(read(out.toByteArray(), "contract.docx"))
        .isEqualTo("Parties: Acme & Söhne <AG>\n\nItem | Price\nSteel | 12.50");
    assertThat(DocumentText.of(out.toByteArray(), "", new DocumentFormat("auto", "DOCX")).text())
        .startsWith("Parties");
  }

  private static byte[] sheet(Workbook workbook) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (workbook) {
      Row row = workbook.createSheet("Prices").createRow(0);
      row.createCell(0).setCellValue("Steel");
      row.createCell(1).setCellValue(12.5);
      workbook.write(out);
    }
    return out.toByteArray();
  }

  @Test
  void excelOldAndNew() throws IOException {
    assertThat(read(sheet(new XSSFWorkbook()), "a.xlsx")).isEqualTo("# Prices\n\nSteel | 12.5");
    assertThat(read(sheet(new HSSFWorkbook()), "a.xls")).isEqualTo("# Prices\n\nSteel | 12.5");
  }

  @Test
  void whatIsBrokenIsAFailedDocument() throws IOException {
    byte[] file = "%PDF-1.7 and no more".getBytes(StandardCharsets.US_ASCII);
    assertThatThrownBy(() -> read(file, "a.pdf"))
        .isInstanceOf(DocumentException.class)
        .hasMessageStartingWith("the PDF file cannot be read: ");
    assertThatThrownBy(() -> read(new byte[] {'P', 'K', 3, 4, 0, 0}, "a.docx"))
        .isInstanceOf(DocumentException.class);
  }

  @Test
  void aTextBeyondTheLimitIsRefused() throws IOException {
    byte[] file = bytes(pdf("This is rather long."));
    assertThatThrownBy(() -> new TikaExtractor().html(file, "pdf", 8))
        .isInstanceOf(IOException.class)
        .hasMessage("its text has more than 8 characters; split it");
  }
}
