package dev.lowpass.udfs.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lowpass.udfs.TestModel;
import dev.lowpass.udfs.TestSpark;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.api.python.Py4JServer;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The functions from Python, through PySpark's gateway. Skipped where Python has no {@code py4j}:
 * {@code PYTHONPATH=$SPARK_HOME/python/lib/py4j-0.10.9.9-src.zip} is enough.
 */
class GatewayTest {
  private final SparkSession spark = TestSpark.session();

  @Test
  void aSessionsFunctionsArePythonsToo(@TempDir Path folder) throws Exception {
    assumeTrue(python(folder, "", "-c", "import py4j").status() == 0, "Python has no py4j");
    Path contract = TestModel.above("sample-data/contracts/contract-001.txt");
    spark
        .createDataset(List.of(Files.readString(contract)), Encoders.STRING())
        .toDF("body")
        .createOrReplaceTempView("contracts");
    spark.conf().set("spark.lowpass.model", TestModel.above("sample-data/model").toString());
    Py4JServer gateway = new Py4JServer(spark.sparkContext().getConf());
    gateway.start();
    try {
      Output output =
          python(
              folder,
              gateway.secret(),
              TestModel.above("udfs/src/test/python/gateway.py").toString(),
              String.valueOf(gateway.getListeningPort()));
      long tokens = spark.sql("SELECT lowpass_count_tokens(body) FROM contracts").head().getInt(0);
      assertThat(output.text()).isEqualToIgnoringNewLines("[" + tokens + ", 438443.0, 1]");
    } finally {
      gateway.shutdown();
      spark.conf().unset("spark.lowpass.model");
      spark.catalog().dropTempView("contracts");
    }
  }

  private record Output(int status, String text) {}

  private static Output python(Path folder, String secret, String... arguments)
      throws InterruptedException {
    Path output = folder.resolve("output");
    ProcessBuilder python = new ProcessBuilder();
    python.command(Stream.concat(Stream.of("python3"), Stream.of(arguments)).toList());
    python.environment().put("GATEWAY_SECRET", secret);
    try {
      int status =
          python.redirectErrorStream(true).redirectOutput(output.toFile()).start().waitFor();
      return new Output(status, Files.readString(output, StandardCharsets.UTF_8));
    } catch (IOException e) {
      return new Output(-1, e.toString());
    }
  }
}
