package dev.lowpass.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.lowpass.udfs.TestModel;
import dev.lowpass.udfs.settings.SettingKeys;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.internal.config.ConfigEntry;
import org.apache.spark.resource.ResourceID;
import org.apache.spark.resource.ResourceProfile;
import org.apache.spark.resource.ResourceProfile$;
import org.apache.spark.resource.ResourceUtils;
import org.apache.spark.util.Utils;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import scala.Some;
import scala.jdk.javaapi.CollectionConverters;

/** {@code conf/spark-*.conf}, as Spark reads them. */
class SparkPresetsTest {
  private static final String CPU = "spark-cpu.conf";
  private static final String GPU = "spark-gpu.conf";

  /** Of Spark's documentation; its modules for YARN and Kubernetes are not on the class path. */
  private static final List<String> CLUSTER_MANAGERS =
      List.of(
          "spark.yarn.am.waitTime",
          "spark.kubernetes.container.image",
          "spark.kubernetes.executor.podTemplateFile");

  private static final Pattern EXAMPLE = Pattern.compile("# (spark\\.\\S+)\\s+(\\S+)");

  @BeforeAll
  static void loadSparksKeys() throws ClassNotFoundException {
    Class.forName("org.apache.spark.internal.config.package$");
  }

  @AfterEach
  void forgetResources() {
    ResourceProfile$.MODULE$.clearDefaultProfile();
  }

  @ParameterizedTest
  @ValueSource(strings = {CPU, GPU})
  void everyKeyIsOneOfSparksOrOurs(String name) throws Exception {
    Map<String, String> keys = new HashMap<>(preset(name));
    for (String line : Files.readAllLines(path(name))) {
      Matcher example = EXAMPLE.matcher(line);
      if (example.matches()) {
        keys.put(example.group(1), example.group(2));
      }
    }
    assertThat(keys).containsKey("spark.lowpass.model");
    new OptionSources(keys).checkKeys(new CommandLine(new Lowpass()));
    ResourceID gpus = new ResourceID("spark.executor", "gpu");
    List<String> resources =
        List.of(
            gpus.amountConf(),
            gpus.discoveryScriptConf(),
            gpus.vendorConf(),
            new ResourceID("spark.task", "gpu").amountConf());
    assertThat(keys.keySet())
        .filteredOn(key -> !key.startsWith(SettingKeys.PREFIX))
        .filteredOn(key -> !key.startsWith("spark.executorEnv."))
        .allSatisfy(
            key ->
                assertThat(
                        ConfigEntry.findEntry(key) != null
                            || CLUSTER_MANAGERS.contains(key)
                            || resources.contains(key))
                    .as(key)
                    .isTrue());
  }

  @ParameterizedTest
  @ValueSource(strings = {CPU, GPU})
  void executorsAndTheirCoresComeToTheSame(String name) {
    SparkConf conf = conf(name);
    assertThat(conf.getInt("spark.cores.max", 0))
        .isEqualTo(
            conf.getInt("spark.executor.instances", 0) * conf.getInt("spark.executor.cores", 0));
  }

  /**
   * Spark itself says how many tasks an executor takes, and whether cores or GPUs are left over.
   */
  @Test
  void allCoresShareOneGpu() {
    SparkConf conf = conf(GPU).setMaster("yarn").set("spark.resources.warnings.testing", "true");
    ResourceProfile profile = ResourceProfile$.MODULE$.getOrCreateDefaultProfile(conf);
    int cores = conf.getInt("spark.executor.cores", 0);
    assertThat(profile.maxTasksPerExecutor(conf)).isEqualTo(cores);
    ResourceUtils.warnOnWastedResources(profile, conf, Some.apply(cores));
    assertThat(conf.getDouble("spark.task.resource.gpu.amount", 0) * cores).isEqualTo(1);
  }

  @Test
  void theReadmesCommandsAreRight() throws Exception {
    Matcher command =
        Pattern.compile("(?s)```\nspark-submit (.*?)\n```")
            .matcher(Files.readString(path("README.md")));
    int commands = 0;
    for (; command.find(); commands++) {
      List<String> words = List.of(command.group(1).replace("\\\n", " ").strip().split("\\s+"));
      assertThat(TestModel.above(words.get(words.indexOf("--properties-file") + 1))).exists();
      int main = words.indexOf("--class") + 1;
      assertThat(words.get(main)).isEqualTo(Lowpass.class.getName());
      assertThat(words.get(main + 1)).endsWith("/lowpass.jar");
      String[] ours = words.subList(main + 2, words.size()).toArray(String[]::new);
      CommandLine.ParseResult parsed = new CommandLine(new Lowpass()).parseArgs(ours);
      assertThat(parsed.subcommand().commandSpec().name()).isEqualTo("extract");
    }
    assertThat(commands).isEqualTo(3);
  }

  @Test
  void whatBothSayIsTheSame() {
    Map<String, String> cpu = preset(CPU);
    Map<String, String> gpu = preset(GPU);
    cpu.remove("spark.executor.memory");
    assertThat(gpu).containsAllEntriesOf(cpu);
  }

  @Test
  void theScriptThatTheyNameIsHere() {
    String script = preset(GPU).get("spark.executor.resource.gpu.discoveryScript");
    assertThat(path(Path.of(script).getFileName().toString())).isExecutable();
  }

  @Test
  void thePodTemplateIsAPodOfSparks() throws Exception {
    String file = preset(GPU).get("spark.kubernetes.executor.podTemplateFile");
    JsonNode pod = new YAMLMapper().readTree(TestModel.above(file).toFile());
    assertThat(pod.at("/kind").asText()).isEqualTo("Pod");
    JsonNode spec = pod.at("/spec");
    assertThat(spec.fieldNames()).toIterable().containsOnly("tolerations", "containers", "volumes");
    // Spark's documentation: the first container is the executor's.
    JsonNode container = spec.at("/containers/0");
    assertThat(container.fieldNames()).toIterable().containsOnly("name", "env", "volumeMounts");
    assertThat(container.at("/volumeMounts/0/name")).isEqualTo(spec.at("/volumes/0/name"));
    assertThat(spec.at("/tolerations/0/key").asText())
        .isEqualTo(preset(GPU).get("spark.executor.resource.gpu.vendor") + "/gpu");
  }

  private static SparkConf conf(String name) {
    SparkConf conf = new SparkConf(false);
    preset(name).forEach(conf::set);
    return conf;
  }

  private static Map<String, String> preset(String name) {
    return new HashMap<>(
        CollectionConverters.asJava(Utils.getPropertiesFromFile(path(name).toString())));
  }

  private static Path path(String name) {
    return TestModel.above("conf").resolve(name);
  }
}
