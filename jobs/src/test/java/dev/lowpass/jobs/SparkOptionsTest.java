package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class SparkOptionsTest {
  private static final List<String> KEYS =
      List.of(
          "spark.master",
          "spark.executor.resource.gpu.amount",
          "spark.task.resource.gpu.amount",
          "spark.worker.resource.gpu.amount");

  @AfterEach
  void clear() {
    KEYS.forEach(System::clearProperty);
  }

  @Test
  void localModeIsTheDefault() {
    assertThat(conf().get("spark.master")).isEqualTo("local[*]");
    assertThat(conf().get("spark.ui.enabled")).isEqualTo("false");
    assertThat(conf("--conf", "spark.ui.enabled=true").get("spark.ui.enabled")).isEqualTo("true");
  }

  @Test
  void sparkSubmitsMasterStands() {
    System.setProperty("spark.master", "local[3]");
    assertThat(conf().get("spark.master")).isEqualTo("local[3]");
    assertThat(conf("--master", "local[5]").get("spark.master")).isEqualTo("local[5]");
  }

  @Test
  void localModeDoesNotAskForGpus() {
    System.setProperty("spark.executor.resource.gpu.amount", "1");
    SparkConf conf =
        conf(
            "--conf", "spark.task.resource.gpu.amount=1",
            "--conf", "spark.worker.resource.gpu.amount=1");
    assertThat(conf.toDebugString()).doesNotContain("gpu");
    assertThat(new SparkConf().toDebugString()).doesNotContain("gpu");
  }

  @Test
  void clustersKeepTheirGpus() {
    SparkConf conf =
        conf("--master", "spark://h:7077", "--conf", "spark.task.resource.gpu.amount=0.125");
    assertThat(conf.get("spark.task.resource.gpu.amount")).isEqualTo("0.125");
    assertThat(conf.contains("spark.ui.enabled")).isFalse();
  }

  /** Which is Spark's name for a cluster of processes on one machine. */
  @Test
  void localClusterIsACluster() {
    SparkConf conf =
        conf(
            "--master",
            "local-cluster[2,1,1024]",
            "--conf",
            "spark.task.resource.gpu.amount=1",
            "--conf",
            "spark.executor.resource.gpu.amount=1");
    assertThat(conf.get("spark.executor.resource.gpu.amount")).isEqualTo("1");
    assertThat(conf.contains("spark.ui.enabled")).isFalse();
  }

  @Test
  void gpusThatNoEngineWouldUse() {
    assertThatThrownBy(
            () -> conf("--master", "yarn", "--conf", "spark.executor.resource.gpu.amount=2"))
        .isInstanceOf(UsageException.class)
        .hasMessage(
            "spark.executor.resource.gpu.amount is 2, and an executor's engine takes one GPU; give 1, and more executors");
    assertThatThrownBy(
            () -> conf("--master", "yarn", "--conf", "spark.executor.resource.gpu.amount=1"))
        .isInstanceOf(UsageException.class)
        .hasMessage(
            "spark.executor.resource.gpu.amount is 1, and tasks ask for none of it; give spark.task.resource.gpu.amount, 1 / spark.executor.cores");
  }

  @Test
  void hadoopsSettingsReachTheDriver() {
    CommonOptions options = new CommonOptions();
    new CommandLine(options).parseArgs("--conf", "spark.hadoop.fs.s3a.endpoint=http://x");
    assertThat(options.hadoop().get("fs.s3a.endpoint")).isEqualTo("http://x");
  }

  private static SparkConf conf(String... args) {
    SparkOptions options = new SparkOptions();
    CommonOptions common = new CommonOptions();
    CommandLine line = new CommandLine(options);
    line.getCommandSpec()
        .addMixin("common", CommandLine.Model.CommandSpec.forAnnotatedObject(common));
    line.parseArgs(args);
    return options.conf("test", common.conf());
  }
}
