package dev.lowpass.udfs;

import static org.apache.spark.sql.functions.col;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;

class SlicesTest {
  private static final StructType SCHEMA =
      new StructType().add("doc_id", DataTypes.StringType).add("length", DataTypes.LongType);

  @Test
  void longDocumentsComeFirstAndInSmallSlices() {
    List<Row> documents = new ArrayList<>();
    Random random = new Random(7);
    for (int i = 0; i < 1000; i++) {
      // Some of a megabyte among many of a page.
      long bytes = i % 100 == 0 ? 1_000_000 + random.nextInt(1000) : 500 + random.nextInt(4000);
      documents.add(RowFactory.create("d" + i, bytes));
    }
    documents.add(RowFactory.create("none", null));
    List<List<Row>> slices = slices(documents, new Slices(50, 2));
    assertThat(slices.stream().flatMap(List::stream).map(row -> row.getString(0)))
        .hasSize(1001)
        .doesNotHaveDuplicates();
    assertThat(slices).hasSizeBetween(20, 60).allSatisfy(slice -> assertThat(slice).isNotEmpty());
    assertThat(slices.subList(0, 10)).allSatisfy(slice -> assertThat(slice).hasSize(1));
    assertThat(slices.subList(10, slices.size()))
        .allSatisfy(slice -> assertThat(slice).hasSizeLessThanOrEqualTo(50));
    double shortest = Double.MAX_VALUE;
    for (List<Row> slice : slices) {
      // Of one class of lengths, or of the next.
      assertThat((double) length(slice.get(0))).isLessThan(shortest * 1.2 + 256);
      shortest = length(slice.get(slice.size() - 1));
      assertThat(slice).isSortedAccordingTo((a, b) -> Long.compare(length(b) / 4, length(a) / 4));
    }
  }

  @Test
  void theSameDocumentsMakeTheSameSlices() {
    List<Row> documents = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      documents.add(RowFactory.create("d" + i, (long) i * i));
    }
    List<List<Row>> slices = slices(documents, new Slices(7, 1));
    java.util.Collections.shuffle(documents, new Random(1));
    assertThat(slices(documents, new Slices(7, 1))).isEqualTo(slices);
  }

  @Test
  void fewDocumentsGoToAsManyTasks() {
    List<Row> documents =
        List.of(
            RowFactory.create("a", 10L), RowFactory.create("b", 20L), RowFactory.create("c", 9L));
    assertThat(slices(documents, new Slices(64, 2))).hasSize(3);
    assertThat(slices(List.of(), new Slices(64, 2))).isEmpty();
  }

  private static long length(Row document) {
    return document.isNullAt(1) ? 0 : document.getLong(1);
  }

  private static List<List<Row>> slices(List<Row> documents, Slices slices) {
    Dataset<Row> listing = TestSpark.session().createDataFrame(documents, SCHEMA);
    Dataset<Row> divided = slices.of(listing, "doc_id", col("length"));
    assertThat(divided.schema()).isEqualTo(SCHEMA);
    return divided.javaRDD().glom().collect();
  }
}
