package dev.lowpass.udfs;

import dev.lowpass.kernels.Devices;
import dev.lowpass.pipeline.model.ModelException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ResourceInformation;
import org.apache.spark.resource.ResourceUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the engine of this process runs. An executor's runs on the GPU that Spark gave it and on
 * the executor's own cores; several executors may share a host. In local mode, which has no GPUs to
 * give, the device is as the command line says and the cores are those of the master's {@code
 * local[N]}. Tasks wait while the engine computes: threads beyond their cores would only displace
 * each other.
 *
 * @param device a name for {@link Devices#open}
 * @param threads CPU threads; 0 for all that the process may use
 */
record Placement(String device, int threads) {
  private static final Logger LOG = LoggerFactory.getLogger(Placement.class);

  /** A number of tasks, and perhaps of their failures. */
  private static final Pattern LOCAL = Pattern.compile("local\\[(\\d{1,9})(,.*)?]");

  private static volatile Map<String, ResourceInformation> ofExecutor = Map.of();

  /**
   * Notes what Spark gave this executor, for engines that are loaded before there is a task, whose
   * context tells it too.
   */
  static void onExecutor(Map<String, ResourceInformation> resources) {
    ofExecutor = Map.copyOf(resources);
  }

  /**
   * The place of an engine in this process.
   *
   * @param device {@code --device}
   * @param threads {@code --threads}; 0 for the cores of Spark's tasks
   * @throws ModelException if the GPU that Spark gave cannot be told among those that CUDA shows
   */
  static Placement of(String device, int threads) {
    SparkEnv env = SparkEnv.get();
    if (env == null) {
      return new Placement(device, threads);
    }
    if (env.executorId().equals("driver")) {
      String master = env.conf().get("spark.master", "");
      return new Placement(
          device,
          threads == 0 ? localCores(master, Runtime.getRuntime().availableProcessors()) : threads);
    }
    int cores = env.conf().getInt("spark.executor.cores", 0);
    TaskContext task = TaskContext.get();
    Map<String, ResourceInformation> resources =
        ofExecutor.isEmpty() && task != null ? task.resourcesJMap() : ofExecutor;
    return new Placement(
        device(
            device,
            resources.get(ResourceUtils.GPU()),
            System.getenv("CUDA_VISIBLE_DEVICES"),
            Devices::gpus),
        threads == 0 ? cores : threads);
  }

  /**
   * Cores of a local master's tasks, as far as there are any; 0 for all that the process may use.
   *
   * @param master {@code spark.master}: {@code local}, {@code local[4]}, {@code local[4,2]}, ...
   */
  static int localCores(String master, int processors) {
    Matcher local = LOCAL.matcher(master);
    if (master.equals("local")) {
      return 1;
    }
    return local.matches() ? Math.min(Integer.parseInt(local.group(1)), processors) : 0;
  }

  /**
   * An executor's device.
   *
   * @param asked {@code --device}
   * @param given the GPUs that Spark gave; null for none
   * @param visible {@code CUDA_VISIBLE_DEVICES}; null where it is not set
   * @param gpus how many GPUs CUDA shows
   */
  static String device(String asked, ResourceInformation given, String visible, IntSupplier gpus) {
    if (!asked.equals("auto") && !asked.equals("cuda")) {
      return asked;
    }
    if (given == null) {
      if (asked.equals("cuda")) {
        LOG.warn(
            "--device cuda, but Spark gave this executor no GPU (spark.executor.resource.gpu.amount):"
                + " it takes the first, as any other executor of this host does");
      }
      // Other executors' GPUs are not this one's to take.
      return asked.equals("auto") ? "cpu" : asked;
    }
    String[] addresses = given.addresses();
    if (addresses.length != 1) {
      throw new ModelException(
          "Spark gave this executor the GPUs %s, and its engine takes one; set spark.executor.resource.gpu.amount to 1"
              .formatted(Arrays.toString(addresses)));
    }
    return "cuda:" + ordinal(addresses[0], visible, gpus.getAsInt());
  }

  /**
   * CUDA's ordinal for an address. What {@code CUDA_VISIBLE_DEVICES} lists is counted in its order;
   * the only GPU of a container is the first, whatever it is called outside; otherwise addresses
   * are ordinals.
   */
  private static int ordinal(String address, String visible, int gpus) {
    List<String> listed =
        visible == null ? List.of() : Arrays.stream(visible.split(",")).map(String::strip).toList();
    if (listed.contains(address)) {
      return listed.indexOf(address);
    }
    if (gpus == 1) {
      return 0;
    }
    if (visible != null || !address.matches("\\d{1,4}")) {
      throw new ModelException(
          "Spark gave this executor GPU %s, which is not in its CUDA_VISIBLE_DEVICES (%s); let the discovery script print what is listed there, as conf/discover-gpus does"
              .formatted(address, visible == null ? "not set" : visible));
    }
    return Integer.parseInt(address);
  }
}
