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
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code jobs/bin/lowpass} with the application jar, in processes of their own. */
class LauncherIT {
  /** So many that a job is still at work when its first tasks have finished. */
  private static final int DOCUMENTS = 80;

  private static final String INCUBATOR =
      "WARNING: Using incubator modules: jdk.incubator.vector\n";

  @TempDir Path folder;

  /** Names that a careless script would take apart. */
  private Path work;

  private Path link;

  @BeforeEach
  void link() throws IOException {
    work = Files.createDirectory(folder.resolve("a folder"));
    Path bin = Files.createDirectory(work.resolve("bin"));
    Files.createSymbolicLink(bin.resolve("real"), Installation.LAUNCHER);
    link = Files.createSymbolicLink(bin.resolve("lowpass"), Path.of("real"));
  }

  @Test
  void itRunsFromAnywhereThroughALink() throws Exception {
    Path model = TestModel.stories();
    Files.createSymbolicLink(work.resolve("the 'model' $HOME *"), model);
    Files.writeString(work.resolve("a prompt.txt"), "Once upon a time");
    Command command =
        lowpass(
                Map.of(),
                "generate",
                "--model",
                "the 'model' $HOME *",
                "--prompt-file",
                "a prompt.txt",
                "--max-new-tokens",
                "190")
            .await();
    assertThat(command)
        .isEqualTo(new Command(0, Files.readString(model.resolve("expected.txt")), INCUBATOR));
  }

  @Test
  void exitStatusAndMessageComeThrough() throws Exception {
    Command command = lowpass(Map.of(), "generate", "--frobnicate").await();
    assertThat(command)
        .isEqualTo(
            new Command(
                2,
                "",
                INCUBATOR
                    + "lowpass generate: Unknown option: '--frobnicate'; see lowpass generate --help\n"));
  }

  @Test
  void sparkSubmitKnowsMasterAndConf() throws Exception {
    Path home = Files.createDirectories(work.resolve("spark home/bin")).getParent();
    Path submit =
        Files.writeString(home.resolve("bin/spark-submit"), "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
    assertThat(submit.toFile().setExecutable(true)).isTrue();
    Command command =
        lowpass(
                Map.of("SPARK_HOME", home.toString()),
                "extract",
                "--master",
                "spark://h:1",
                "--conf=spark.x=a b",
                "--input",
                "it's $x")
            .await();
    Path root = TestModel.above("").toRealPath();
    assertThat(command.out().lines())
        .containsExactly(
            "--class",
            "dev.lowpass.jobs.Lowpass",
            "--master",
            "spark://h:1",
            "--conf",
            "spark.x=a b",
            "--driver-java-options",
            "-Dlog4j2.configurationFile=file:" + root + "/conf/log4j2.properties",
            root + "/jobs/target/lowpass.jar",
            "extract",
            "--master",
            "spark://h:1",
            "--conf=spark.x=a b",
            "--input",
            "it's $x");
  }

  @Test
  void aJobThatIsStoppedIsDoneByRunningItAgain() throws Exception {
    Path documents = Files.createDirectory(work.resolve("documents"));
    for (int i = 0; i < DOCUMENTS; i++) {
      Files.writeString(documents.resolve(i + ".txt"), "Lily had " + i + " cats. ".repeat(i % 40));
    }
    String[] summarize = {
      "summarize",
      "--model",
      TestModel.chat(folder).toString(),
      "--input",
      "documents",
      "--output",
      "out",
      "--master",
      "local[2]",
      "--max-new-tokens",
      "60"
    };
    Path out = work.resolve("out");

    try (Child job = lowpass(Map.of(), summarize)) {
      job.awaitThat(() -> parts(out) > 0);
      // Not INT: a shell that runs the tests in the background has it ignored.
      job.signal("TERM");
      Command stopped = job.await();
      assertThat(stopped.status()).isEqualTo(143);
      assertThat(stopped.out()).isEmpty();
      assertThat(stopped.err())
          .isEqualTo(
              INCUBATOR
                  + "\nlowpass summarize: stopped; what was finished is in "
                  + out.toRealPath()
                  + ". To go on, run the same command.\n");
    }
    long finished = parts(out);
    try (Child job = lowpass(Map.of(), summarize)) {
      job.awaitThat(() -> parts(out) > finished);
      job.signal("KILL");
      assertThat(job.await().status()).isEqualTo(137);
    }
    long before = TestSpark.session().read().parquet(out.toString()).count();
    assertThat(before).isLessThan(DOCUMENTS);
    assertThat(out.resolve("_SUCCESS")).doesNotExist();
    try (Child job = lowpass(Map.of(), summarize)) {
      Command done = job.await();
      assertThat(done.err()).isEqualTo(INCUBATOR);
      assertThat(done.status()).isZero();
      assertThat(done.out())
          .startsWith(
              "documents  %1$d: %1$d ok, 0 failed; %2$d were done before\n"
                  .formatted(DOCUMENTS - before, before));
    }
    assertThat(out.resolve("_SUCCESS")).exists();
    var table = TestSpark.session().read().parquet(out.toString());
    assertThat(table.count()).isEqualTo(DOCUMENTS);
    assertThat(table.select("doc_id").distinct().count()).isEqualTo(DOCUMENTS);
  }

  /** Files of the table. */
  private static long parts(Path out) {
    if (!Files.isDirectory(out)) {
      return 0;
    }
    try (Stream<Path> files = Files.list(out)) {
      return files.filter(file -> file.toString().endsWith(".parquet")).count();
    } catch (IOException e) {
      return 0;
    }
  }

  private Child lowpass(Map<String, String> environment, String... args) throws IOException {
    List<String> command = new ArrayList<>(List.of(link.toString()));
    command.addAll(List.of(args));
    return Child.start(folder, work, environment, command);
  }
}
