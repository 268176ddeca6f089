package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** A standalone Spark master and workers of one core each, as processes on 127.0.0.1. */
final class TestCluster implements AutoCloseable {
  private static final Pattern MASTER = Pattern.compile("Starting Spark master at (spark://\\S+)");
  private static final Pattern REGISTERED = Pattern.compile("Registering worker ");
  private static final String ANY_PORT = "0";

  private final Path folder;
  private final Map<String, String> environment;
  private final Child master;
  private final String url;
  private final List<Child> workers = new ArrayList<>();

  /**
   * Starts the master.
   *
   * @param folder where everything is kept, and where commands run
   */
  TestCluster(Path folder) throws IOException, InterruptedException {
    this.folder = folder;
    this.environment =
        Map.of(
            "SPARK_HOME", Installation.sparkHome(folder.resolve("spark")).toString(),
            "SPARK_SCALA_VERSION", "2.13",
            "SPARK_LOCAL_IP", "127.0.0.1");
    master =
        spark(
            "org.apache.spark.deploy.master.Master",
            "--host",
            "127.0.0.1",
            "--port",
            ANY_PORT,
            "--webui-port",
            ANY_PORT);
    master.awaitThat(() -> find(MASTER) == 1);
    Matcher found = MASTER.matcher(master.err());
    assertThat(found.find()).isTrue();
    url = found.group(1);
  }

  /** Starts a worker, whose executors' logs will be in {@code folder/name}. */
  Child startWorker(String name) throws IOException, InterruptedException {
    Child worker =
        spark(
            "org.apache.spark.deploy.worker.Worker",
            "--host",
            "127.0.0.1",
            "--port",
            ANY_PORT,
            "--webui-port",
            ANY_PORT,
            "--cores",
            "1",
            "--memory",
            "1g",
            "--work-dir",
            Files.createDirectory(folder.resolve(name)).toString(),
            url);
    workers.add(worker);
    master.awaitThat(() -> find(REGISTERED) == workers.size());
    return worker;
  }

  /** Submits a command of the application jar, {@code --conf} and the like before it. */
  Child submit(List<String> submitOptions, List<String> command) throws IOException {
    List<String> args =
        new ArrayList<>(
            List.of(
                "--master",
                url,
                "--class",
                Lowpass.class.getName(),
                "--conf",
                "spark.driver.host=127.0.0.1",
                "--conf",
                "spark.executor.memory=768m"));
    args.addAll(Installation.executorClassArchive());
    args.addAll(submitOptions);
    args.add(Installation.JAR.toString());
    args.addAll(command);
    return spark("org.apache.spark.deploy.SparkSubmit", args.toArray(String[]::new));
  }

  /** What the executors of a worker have written to stderr, a text each. */
  List<String> executorLogs(String worker) throws IOException {
    try (Stream<Path> files =
        Files.find(folder.resolve(worker), 3, (path, attributes) -> path.endsWith("stderr"))) {
      List<String> logs = new ArrayList<>();
      for (Path file : files.toList()) {
        logs.add(Files.readString(file));
      }
      return logs;
    }
  }

  private Child spark(String mainClass, String... args) throws IOException {
    return Child.start(folder, folder, environment, Installation.spark(mainClass, args));
  }

  private long find(Pattern pattern) {
    try {
      return pattern.matcher(master.err()).results().count();
    } catch (IOException e) {
      return 0;
    }
  }

  @Override
  public void close() {
    workers.forEach(Child::close);
    master.close();
  }
}
