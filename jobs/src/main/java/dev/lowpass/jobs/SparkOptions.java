package dev.lowpass.jobs;

import dev.lowpass.udfs.EngineSpec;
import dev.lowpass.udfs.LowpassPlugin;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Option;
import scala.Tuple2;

/** Where Spark runs. */
final class SparkOptions {
  private static final String EXECUTOR_GPUS = "spark.executor.resource.gpu.amount";
  private static final String TASK_GPUS = "spark.task.resource.gpu.amount";

  @Option(
      names = "--master",
      paramLabel = "URL",
      description = "Spark's master. Default: spark-submit's, else local[*].")
  private String master;

  /**
   * The session of this JVM, or a new one.
   *
   * @param engine what the executors of a new one load when they start; null for nothing
   */
  SparkSession session(String command, CommonOptions common, EngineSpec engine) {
    SparkConf effective = conf("lowpass " + command, common.conf());
    if (engine != null) {
      LowpassPlugin.install(effective, engine);
    }
    effective.setIfMissing("spark.log.level", common.verbose() ? "INFO" : "WARN");
    return SparkSession.builder().config(effective).getOrCreate();
  }

  /**
   * The settings of a session: those given, and what they leave open.
   *
   * @throws UsageException if executors could not use the GPUs that are asked for
   */
  SparkConf conf(String name, Map<String, String> given) {
    SparkConf effective = new SparkConf();
    given.forEach(effective::set);
    if (master != null) {
      effective.setMaster(master);
    }
    effective.setIfMissing("spark.master", "local[*]");
    effective.setIfMissing("spark.app.name", name);
    // Rows are made with java.sql's dates and timestamps.
    effective.set("spark.sql.datetime.java8API.enabled", "false");
    if (effective.get("spark.master").matches("local(\\[.*)?")) {
      local(effective);
    } else {
      checkGpus(effective);
      shipJar(effective);
    }
    return effective;
  }

  private static void local(SparkConf conf) {
    // Local mode has no GPUs to offer: a job that asks for them would wait for ever.
    for (Tuple2<String, String> entry : conf.getAll()) {
      if (entry._1().matches("spark\\.(driver|executor|task|worker)\\.resource\\..*")) {
        conf.remove(entry._1());
        // Where spark-submit put it, and where Spark would look for it again.
        System.clearProperty(entry._1());
      }
    }
    conf.setIfMissing("spark.ui.enabled", "false");
    // Metrics are named after the application, which has no name yet when the plugin registers its.
    conf.setIfMissing("spark.metrics.namespace", "lowpass");
    conf.setIfMissing("spark.driver.host", "127.0.0.1");
    conf.setIfMissing("spark.driver.bindAddress", "127.0.0.1");
    conf.setIfMissing("spark.sql.shuffle.partitions", "8");
    // A job's rows are few, and what Spark does with them little: compiling it takes longer.
    conf.setIfMissing("spark.sql.codegen.wholeStage", "false");
    conf.setIfMissing("spark.sql.codegen.factoryMode", "NO_CODEGEN");
    // Progress comes with the heartbeats.
    conf.setIfMissing("spark.executor.heartbeatInterval", "2s");
  }

  private static void checkGpus(SparkConf conf) {
    int gpus = conf.getInt(EXECUTOR_GPUS, 0);
    if (gpus > 1) {
      throw new UsageException(
          "%s is %d, and an executor's engine takes one GPU; give 1, and more executors"
              .formatted(EXECUTOR_GPUS, gpus));
    }
    if (gpus == 1 && !conf.contains(TASK_GPUS)) {
      // Spark tells a task of what it asked for: these would not know of their executor's GPU.
      throw new UsageException(
          "%s is 1, and tasks ask for none of it; give %s, 1 / spark.executor.cores"
              .formatted(EXECUTOR_GPUS, TASK_GPUS));
    }
  }

  /** spark-submit does this by itself; plain java does not. */
  private static void shipJar(SparkConf conf) {
    String code = SparkOptions.class.getProtectionDomain().getCodeSource().getLocation().getPath();
    String jars = conf.get("spark.jars", "");
    if (code.endsWith(".jar") && !jars.contains(code)) {
      conf.set("spark.jars", jars.isEmpty() ? code : jars + "," + code);
    }
  }
}
