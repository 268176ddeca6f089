package dev.lowpass.jobs;

import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Option;
import scala.Tuple2;

/** Where Spark runs, and how. */
final class SparkOptions {
  @Option(
      names = "--master",
      paramLabel = "URL",
      description = "Spark's master. Default: spark-submit's, else local[*].")
  private String master;

  @Option(
      names = "--conf",
      paramLabel = "KEY=VALUE",
      description = "A Spark setting. May be repeated.")
  private Map<String, String> conf = Map.of();

  /** The session of this JVM, or a new one. */
  SparkSession session(String command, boolean verbose) {
    SparkConf effective = conf("lowpass " + command);
    effective.setIfMissing("spark.log.level", verbose ? "INFO" : "WARN");
    return SparkSession.builder().config(effective).getOrCreate();
  }

  /** Hadoop's settings, for reading a model before there is a session. */
  Configuration hadoop() {
    Configuration hadoop = new Configuration();
    for (Tuple2<String, String> entry : conf("lowpass").getAllWithPrefix("spark.hadoop.")) {
      hadoop.set(entry._1(), entry._2());
    }
    return hadoop;
  }

  SparkConf conf(String name) {
    SparkConf effective = new SparkConf();
    conf.forEach(effective::set);
    if (master != null) {
      effective.setMaster(master);
    }
    effective.setIfMissing("spark.master", "local[*]");
    effective.setIfMissing("spark.app.name", name);
    // Rows are made with java.sql's dates and timestamps.
    effective.set("spark.sql.datetime.java8API.enabled", "false");
    if (effective.get("spark.master").startsWith("local")) {
      local(effective);
    } else {
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
    conf.setIfMissing("spark.driver.host", "127.0.0.1");
    conf.setIfMissing("spark.driver.bindAddress", "127.0.0.1");
    conf.setIfMissing("spark.sql.shuffle.partitions", "8");
    // Progress comes with the heartbeats.
    conf.setIfMissing("spark.executor.heartbeatInterval", "2s");
  }

  /** spark-submit does this by itself; plain java does not. */
  private static void shipJar(SparkConf conf) {
    String code = SparkOptions.class.getProtectionDomain().getCodeSource().getLocation().getPath();
    if (code.endsWith(".jar")) {
      conf.setIfMissing("spark.jars", code);
    }
  }
}
