package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lowpass.udfs.PlacementProbe;
import dev.lowpass.udfs.TestModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code conf/spark-gpu.conf} and {@code conf/discover-gpus} on a standalone worker of two GPUs,
 * which are there only for {@code nvidia-smi}.
 */
class GpuSchedulingIT {
  private static final Pattern MASTER = Pattern.compile("Starting Spark master at (spark://\\S+)");
  private static final Pattern REGISTERED = Pattern.compile("Registering worker ");

  @TempDir Path folder;

  @Test
  void eachExecutorTakesTheGpuThatSparkGaveIt() throws Exception {
    Map<String, String> environment = new HashMap<>();
    environment.put("SPARK_HOME", Installation.sparkHome(folder.resolve("spark")).toString());
    environment.put("SPARK_SCALA_VERSION", "2.13");
    environment.put("SPARK_LOCAL_IP", "127.0.0.1");
    try (Child master =
        spark(
            environment,
            "org.apache.spark.deploy.master.Master",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--webui-port",
            "0")) {
      master.awaitThat(() -> matches(master, MASTER));
      Matcher url = MASTER.matcher(master.err());
      assertThat(url.find()).isTrue();
      try (Child worker = worker(environment, url.group(1))) {
        master.awaitThat(() -> matches(master, REGISTERED));
        assertThat(worker.err()).contains("[name: gpu, addresses: 3,5]");
        Command probe = probe(environment, url.group(1));
        assertThat(probe.status()).as(probe.err()).isZero();
        assertThat(probe.out().lines().map(line -> line.substring(line.indexOf(' '))))
            .as(probe.out())
            .containsExactlyInAnyOrder(" cuda:0 1", " cuda:1 1");
      }
    }
  }

  /** A worker that may see two of its host's GPUs. */
  private Child worker(Map<String, String> environment, String master) throws IOException {
    Path bin = Files.createDirectory(folder.resolve("bin"));
    DiscoverGpusTest.nvidiaSmi(bin, "seq 0 7");
    Map<String, String> withGpus = new HashMap<>(environment);
    withGpus.put("PATH", bin + ":" + System.getenv("PATH"));
    withGpus.put("CUDA_VISIBLE_DEVICES", "3,5");
    Path settings =
        Files.writeString(
            folder.resolve("worker.conf"),
            """
            spark.worker.resource.gpu.amount           2
            spark.worker.resource.gpu.discoveryScript  %s
            """
                .formatted(DiscoverGpusTest.SCRIPT));
    return spark(
        withGpus,
        "org.apache.spark.deploy.worker.Worker",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--webui-port",
        "0",
        "--cores",
        "2",
        "--memory",
        "2g",
        "--work-dir",
        Files.createDirectory(folder.resolve("work")).toString(),
        "--properties-file",
        settings.toString(),
        master);
  }

  private Command probe(Map<String, String> environment, String master) throws Exception {
    Path application =
        Path.of(PlacementProbe.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    try (Child submit =
        spark(
            environment,
            "org.apache.spark.deploy.SparkSubmit",
            "--properties-file",
            TestModel.above("conf/spark-gpu.conf").toString(),
            "--conf",
            "spark.executor.cores=1",
            "--conf",
            "spark.task.resource.gpu.amount=1",
            "--conf",
            "spark.cores.max=2",
            "--conf",
            "spark.executor.memory=512m",
            "--conf",
            "spark.driver.host=127.0.0.1",
            "--jars",
            Installation.JAR.toString(),
            "--master",
            master,
            "--class",
            PlacementProbe.class.getName(),
            application.toString())) {
      return submit.await();
    }
  }

  private Child spark(Map<String, String> environment, String mainClass, String... args)
      throws IOException {
    return Child.start(folder, folder, environment, Installation.spark(mainClass, args));
  }

  private static boolean matches(Child child, Pattern pattern) {
    try {
      return pattern.matcher(child.err()).find();
    } catch (IOException e) {
      return false;
    }
  }
}
