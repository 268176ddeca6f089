package dev.lowpass.udfs;

import org.apache.spark.sql.SparkSession;

/** One small Spark session for all tests of a JVM. */
public final class TestSpark {
  private TestSpark() {}

  public static SparkSession session() {
    return SparkSession.builder()
        // A task that fails is tried once more.
        .master("local[2, 2]")
        .appName("tests")
        .config("spark.ui.enabled", false)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", 2)
        // Compiling a query takes longer than running it on a handful of rows.
        .config("spark.sql.codegen.wholeStage", false)
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.sql.adaptive.enabled", false)
        .config("spark.sql.extensions", LowpassExtensions.class.getName())
        .config("spark.log.level", "OFF")
        .getOrCreate();
  }
}
