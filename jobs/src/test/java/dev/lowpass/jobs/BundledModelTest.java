package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.udfs.TestModel;
import dev.lowpass.udfs.TestSpark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's first command: the bundled model on the bundled contracts, field by field. */
class BundledModelTest {
  private static final double EXACT = 0.9;

  @Test
  void fieldsOfTheBundledContractsAreRight(@TempDir Path folder) throws IOException {
    SparkSession spark = TestSpark.session();
    Path output = folder.resolve("contracts");
    Command command =
        Command.run(
            "extract",
            "--model",
            TestModel.above("sample-data/model"),
            "--schema",
            TestModel.above("sample-data/contracts.schema.json"),
            "--input",
            TestModel.above("sample-data/contracts"),
            "--output",
            output);
    assertThat(command.err()).isEmpty();
    assertThat(command.status()).isZero();

    Map<String, JsonNode> expected = expected();
    List<Row> rows = spark.read().parquet(output.toString()).collectAsList();
    assertThat(rows).hasSameSizeAs(expected.values());
    List<String> wrong = new ArrayList<>();
    int fields = 0;
    for (Row row : rows) {
      String document = row.getAs("doc_id");
      assertThat(row.<String>getAs("status")).as(document).isEqualTo("ok");
      JsonNode right = expected.get(document);
      Row found = row.getAs("fields");
      for (String name : found.schema().fieldNames()) {
        fields++;
        if (!Answers.same(right.get(name), found.getAs(name))) {
          wrong.add(
              "%s %s: %s, not %s".formatted(document, name, found.getAs(name), right.get(name)));
        }
      }
    }
    assertThat(fields).isGreaterThan(200);
    assertThat(wrong).hasSizeLessThanOrEqualTo((int) (fields * (1 - EXACT)));
  }

  /** Each document's fields as its generator knows them. */
  private static Map<String, JsonNode> expected() throws IOException {
    Map<String, JsonNode> fields = new HashMap<>();
    ObjectMapper mapper = new ObjectMapper();
    Path file = TestModel.above("sample-data/contracts.expected.jsonl");
    for (String line : Files.readAllLines(file)) {
      JsonNode json = mapper.readTree(line);
      fields.put(json.get("doc_id").asText(), json.get("fields"));
    }
    return fields;
  }
}
