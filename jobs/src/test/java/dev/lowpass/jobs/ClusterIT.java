package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.udfs.TestModel;
import dev.lowpass.udfs.TestSpark;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** spark-submit against a standalone master with two workers, all on 127.0.0.1. */
class ClusterIT {
  private static final String SCHEMA =
      """
      {"type": "object", "properties": {
        "who": {"type": "string", "description": "Who?"},
        "count": {"type": "integer", "description": "How many?"}}}
      """;

  @TempDir Path folder;

  @Test
  void aClusterMakesTheTableThatLocalModeMakes() throws Exception {
    Path documents = Files.createDirectory(folder.resolve("documents"));
    for (int i = 0; i < 10; i++) {
      Files.writeString(documents.resolve(i + ".txt"), "Lily had " + i + " cats. ".repeat(i));
    }
    Files.write(documents.resolve("broken.txt"), new byte[] {0});
    Files.writeString(folder.resolve("schema.json"), SCHEMA);
    String model = TestModel.chat(folder).toString();

    try (TestCluster cluster = new TestCluster(folder)) {
      cluster.startWorker("one");
      cluster.startWorker("two");
      List<String> fewTokens = List.of("--conf", "spark.lowpass.maxNewTokens=12");
      try (Child submit = cluster.submit(fewTokens, extract(model, "cluster"))) {
        Command command = submit.await();
        assertThat(command.status()).as(command.err()).isZero();
        assertThat(command.out()).startsWith("documents  11: 10 ok, 1 failed (input.encoding 1)\n");
      }
      for (String worker : List.of("one", "two")) {
        assertThat(cluster.executorLogs(worker))
            .hasSize(1)
            .allMatch(log -> log.contains("executor component for plugin dev.lowpass.udfs."));
      }
      // Executors work in folders of their own, where a relative path leads nowhere.
      Files.createSymbolicLink(folder.resolve("model"), Path.of(model));
      try (Child submit = cluster.submit(fewTokens, extract("model", "none"))) {
        Command command = submit.await();
        assertThat(command.status()).as(command.err()).isEqualTo(2);
        assertThat(command.err())
            .contains("lowpass extract: --model model: no such folder on 127.0.0.1");
      }
    }

    List<String> local = new ArrayList<>(List.of(Installation.LAUNCHER.toString()));
    local.addAll(extract(model, "local"));
    local.addAll(List.of("--max-new-tokens", "12"));
    try (Child job = Child.start(folder, folder, Map.of(), local)) {
      Command command = job.await();
      assertThat(command.status()).as(command.err()).isZero();
    }
    List<String> expected = table("local");
    assertThat(expected).hasSize(11);
    assertThat(table("cluster")).isEqualTo(expected);
  }

  private static List<String> extract(String model, String output) {
    return List.of(
        "extract",
        "--model",
        model,
        "--schema",
        "schema.json",
        "--input",
        "documents",
        "--output",
        output);
  }

  /** All that must not depend on where a job runs. */
  private List<String> table(String output) {
    Dataset<Row> table =
        TestSpark.session()
            .read()
            .parquet(folder.resolve(output).toString())
            .drop("stats", "run_id", "created_at");
    return table.orderBy("doc_id").toJSON().collectAsList();
  }
}
