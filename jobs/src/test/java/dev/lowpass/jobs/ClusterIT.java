package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.udfs.TestModel;
import dev.lowpass.udfs.TestSpark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** spark-submit against a standalone master with two workers, all on 127.0.0.1. */
class ClusterIT {
  private static final Pattern MASTER = Pattern.compile("Starting Spark master at (spark://\\S+)");
  private static final Pattern REGISTERED = Pattern.compile("Registering worker ");
  private static final String SCHEMA =
      """
      {"type": "object", "properties": {
        "who": {"type": "string", "description": "Who?"},
        "count": {"type": "integer", "description": "How many?"}}}
      """;

  @TempDir Path folder;

  private Map<String, String> environment;

  @Test
  void aClusterMakesTheTableThatLocalModeMakes() throws Exception {
    Path sparkHome = Installation.sparkHome(folder.resolve("spark"));
    environment =
        Map.of(
            "SPARK_HOME", sparkHome.toString(),
            "SPARK_SCALA_VERSION", "2.13",
            "SPARK_LOCAL_IP", "127.0.0.1");
    Path documents = Files.createDirectory(folder.resolve("documents"));
    for (int i = 0; i < 10; i++) {
      Files.writeString(documents.resolve(i + ".txt"), "Lily had " + i + " cats. ".repeat(i));
    }
    Files.write(documents.resolve("broken.txt"), new byte[] {(byte) 0xff});
    Files.writeString(folder.resolve("schema.json"), SCHEMA);
    String model = TestModel.chat(folder).toString();

    try (Child master =
        spark(
            "org.apache.spark.deploy.master.Master",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--webui-port",
            "0")) {
      master.awaitThat(() -> find(master, MASTER) == 1);
      Matcher url = MASTER.matcher(master.err());
      assertThat(url.find()).isTrue();
      try (Child one = worker("one", url.group(1));
          Child two = worker("two", url.group(1))) {
        master.awaitThat(() -> find(master, REGISTERED) == 2);
        List<String> args =
            new ArrayList<>(
                List.of(
                    "--master",
                    url.group(1),
                    "--class",
                    Lowpass.class.getName(),
                    "--conf",
                    "spark.driver.host=127.0.0.1",
                    "--conf",
                    "spark.executor.memory=768m",
                    "--conf",
                    "spark.lowpass.maxNewTokens=12",
                    Installation.JAR.toString()));
        args.addAll(extract(model, "cluster"));
        try (Child submit =
            spark("org.apache.spark.deploy.SparkSubmit", args.toArray(String[]::new))) {
          Command command = submit.await();
          assertThat(command.status()).as(command.err()).isZero();
          assertThat(command.out())
              .startsWith("documents  11: 10 ok, 1 failed (input.encoding 1)\n");
        }
        assertThat(executors("one") + executors("two")).isEqualTo(2);
        assertThat(executors("one")).isEqualTo(1);
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

  private long executors(String worker) throws IOException {
    try (Stream<Path> files =
        Files.find(folder.resolve(worker), 3, (path, attributes) -> path.endsWith("stderr"))) {
      return files.count();
    }
  }

  private Child worker(String name, String master) throws IOException {
    return spark(
        "org.apache.spark.deploy.worker.Worker",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--webui-port",
        "0",
        "--cores",
        "1",
        "--memory",
        "1g",
        "--work-dir",
        Files.createDirectory(folder.resolve(name)).toString(),
        master);
  }

  private Child spark(String mainClass, String... args) throws IOException {
    return Child.start(folder, folder, environment, Installation.spark(mainClass, args));
  }

  private static long find(Child child, Pattern pattern) {
    try {
      return pattern.matcher(child.err()).results().count();
    } catch (IOException e) {
      return 0;
    }
  }
}
