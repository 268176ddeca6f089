package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.udfs.TestModel;
import dev.lowpass.udfs.TestSpark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code kill -9} of an executor, then of a worker, then of the driver while a job runs on a
 * standalone cluster; then the same command again. {@code -Dlowpass.kill.rounds=20} (profile {@code
 * kill}) does it more often.
 */
class KillIT {
  private static final int ROUNDS = Integer.getInteger("lowpass.kill.rounds", 2);
  private static final int DOCUMENTS = 300;
  private static final int SLICE = 10;
  private static final int SLICES = DOCUMENTS / SLICE;

  /** So many tasks run at once: one in each of two executors. */
  private static final int RUNNING = 2;

  /** A row of the table: which attempt made it, and what the document became. */
  private record Made(String run, String at, String output) {}

  @TempDir Path folder;
  private String model;

  @Test
  void nothingIsLostAndNothingIsTwice() throws Exception {
    model = TestModel.chat(folder).toString();
    StringBuilder documents = new StringBuilder();
    for (int i = 0; i < DOCUMENTS; i++) {
      documents.append(
          "{\"id\": %d, \"text\": \"Lily had %d cats%s.\"}%n"
              .formatted(i, i, " and a dog".repeat(i % 7)));
    }
    Files.writeString(folder.resolve("documents.jsonl"), documents);
    List<String> local = new ArrayList<>(List.of(Installation.LAUNCHER.toString()));
    local.addAll(summarize("undisturbed"));
    try (Child job = Child.start(folder, folder, Map.of(), local)) {
      Command command = job.await();
      assertThat(command.status()).as(command.err()).isZero();
    }
    Map<String, Made> undisturbed = table("undisturbed");
    assertThat(undisturbed).hasSize(DOCUMENTS);

    long seed = Long.getLong("lowpass.kill.seed", System.nanoTime());
    System.out.println("KillIT: -Dlowpass.kill.seed=" + seed);
    Random random = new Random(seed);
    try (TestCluster cluster = new TestCluster(folder)) {
      for (int round = 0; round < ROUNDS; round++) {
        round(cluster, "round" + round, random, undisturbed);
      }
    }
  }

  private void round(TestCluster cluster, String name, Random random, Map<String, Made> undisturbed)
      throws Exception {
    Child one = cluster.startWorker(name + "-one");
    Child two = cluster.startWorker(name + "-two");
    Map<String, Made> beforeDriver;
    Map<String, Made> beforeOthers = new HashMap<>();
    try (Child job = cluster.submit(List.of(), summarize(name))) {
      await(job, name, 1 + random.nextInt(SLICES / 4), random);
      beforeOthers.putAll(table(name));
      two.killChild();
      await(job, name, SLICES / 3 + random.nextInt(SLICES / 6), random);
      beforeOthers.putAll(table(name));
      one.signal("KILL");
      one = cluster.startWorker(name + "-three");
      await(job, name, SLICES / 2 + 2 + random.nextInt(SLICES / 4), random);
      job.signal("KILL");
      assertThat(job.await().status()).isEqualTo(137);
      beforeDriver = table(name);
      assertThat(beforeDriver).hasSizeBetween(SLICES / 2 * SLICE, DOCUMENTS - 1);
    }
    try (Child job = cluster.submit(List.of(), summarize(name))) {
      Command command = job.await();
      assertThat(command.status()).as(command.err()).isZero();
      assertThat(command.out()).contains(" were done before\n");
    }
    one.close();
    two.close();

    Map<String, Made> after = table(name);
    assertThat(outputs(after)).isEqualTo(outputs(undisturbed));
    assertThat(after)
        .as("what a killed driver leaves is not done again")
        .containsAllEntriesOf(beforeDriver);
    // A task may be done again whose end the driver had not heard of when its executor was killed.
    beforeOthers.entrySet().removeAll(after.entrySet());
    assertThat(beforeOthers).hasSizeLessThanOrEqualTo(RUNNING * SLICE);
  }

  /** Waits until there are so many files, and a little longer. */
  private void await(Child job, String output, int files, Random random) throws Exception {
    job.awaitThat(() -> files(output) >= files);
    Thread.sleep(random.nextInt(400));
  }

  private long files(String output) {
    if (!Files.isDirectory(folder.resolve(output))) {
      return 0;
    }
    try (Stream<Path> files = Files.list(folder.resolve(output))) {
      return files.filter(file -> file.toString().endsWith(".parquet")).count();
    } catch (IOException e) {
      return 0;
    }
  }

  private List<String> summarize(String output) {
    return List.of(
        "summarize",
        "--model",
        model,
        "--input",
        "documents.jsonl",
        "--id-column",
        "id",
        "--output",
        output,
        "--commit-documents",
        String.valueOf(SLICE),
        "--max-new-tokens",
        "12");
  }

  /** Its rows by document, of which there must be one each. */
  private Map<String, Made> table(String output) {
    Map<String, Made> rows = new HashMap<>();
    for (Row row :
        TestSpark.session()
            .read()
            .parquet(folder.resolve(output).toString())
            .selectExpr("doc_id", "run_id", "string(created_at)", "output")
            .collectAsList()) {
      Made made = new Made(row.getString(1), row.getString(2), row.getString(3));
      assertThat(rows.put(row.getString(0), made)).as(row.getString(0)).isNull();
    }
    return rows;
  }

  private static Map<String, String> outputs(Map<String, Made> table) {
    Map<String, String> outputs = new HashMap<>();
    table.forEach((document, made) -> outputs.put(document, made.output()));
    return outputs;
  }
}
