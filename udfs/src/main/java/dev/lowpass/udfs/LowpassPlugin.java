package dev.lowpass.udfs;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.model.ModelException;
import java.io.IOException;
import java.io.Serializable;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads the model while an executor starts, so that it is there when the first task comes, and
 * shows what the engine does in Spark's metrics. A model that an executor cannot load ends the
 * application's jobs at once, before tasks have tried it in vain.
 *
 * <p>Jobs work without it too: their first task loads the model.
 */
public final class LowpassPlugin implements SparkPlugin {
  /** What to load, as JSON: the commands set it. */
  private static final String ENGINE = "spark.lowpass.engine";

  private static final String PLUGINS = "spark.plugins";
  private static final Logger LOG = LoggerFactory.getLogger(LowpassPlugin.class);

  private static final AtomicReference<String> FAILURE = new AtomicReference<>();

  /** Sent by an executor that could not load the model. */
  private record LoadFailure(String message) implements Serializable {}

  /** Has the executors of an application load {@code spec} when they start. */
  public static void install(SparkConf conf, EngineSpec spec) {
    String name = LowpassPlugin.class.getName();
    String others = conf.get(PLUGINS, "");
    if (!others.contains(name)) {
      conf.set(PLUGINS, others.isBlank() ? name : others + "," + name);
    }
    try {
      conf.set(ENGINE, new ObjectMapper().writeValueAsString(spec));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("strings and numbers always have a JSON form", e);
    }
    FAILURE.set(null);
  }

  /** What {@link #install} set; null where it did not. */
  static EngineSpec installed(SparkConf conf) throws IOException {
    return conf.contains(ENGINE) ? spec(conf.get(ENGINE)) : null;
  }

  private static EngineSpec spec(String json) throws IOException {
    return new ObjectMapper().readValue(json, EngineSpec.class);
  }

  /** Why an executor of this driver's application could not load the model. */
  public static Optional<ModelException> failure() {
    return Optional.ofNullable(FAILURE.get()).map(ModelException::new);
  }

  @Override
  public DriverPlugin driverPlugin() {
    return new Driver();
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new Executor();
  }

  private static final class Driver implements DriverPlugin {
    private SparkContext spark;

    @Override
    public Map<String, String> init(SparkContext context, PluginContext plugin) {
      spark = context;
      return plugin.conf().contains(ENGINE) ? Map.of(ENGINE, plugin.conf().get(ENGINE)) : Map.of();
    }

    @Override
    public Object receive(Object message) {
      if (message instanceof LoadFailure failure
          && FAILURE.compareAndSet(null, failure.message())) {
        spark.cancelAllJobs();
      }
      return null;
    }
  }

  private static final class Executor implements ExecutorPlugin {
    @Override
    public void init(PluginContext plugin, Map<String, String> settings) {
      // The loader is no task, whose context would tell.
      Placement.onExecutor(plugin.resources());
      EngineMetrics.register(plugin.metricRegistry());
      String json = settings.get(ENGINE);
      if (json == null) {
        LOG.info("No model to load ahead; the first task will load its own");
        return;
      }
      Configuration hadoop = SparkHadoopUtil.get().newConfiguration(plugin.conf());
      Thread loader = new Thread(() -> load(plugin, json, hadoop), "lowpass-model-loader");
      loader.setDaemon(true);
      loader.start();
    }

    private static void load(PluginContext plugin, String json, Configuration hadoop) {
      try {
        Engines.get(spec(json), hadoop);
      } catch (IOException | RuntimeException | LinkageError | OutOfMemoryError e) {
        LOG.error("The model cannot be loaded", e);
        String message = e instanceof ModelException ? e.getMessage() : e.toString();
        try {
          // Not the context's host name, which only drivers have.
          String host = ModelFolder.host();
          plugin.send(
              new LoadFailure(message.contains(host) ? message : message + " (on " + host + ")"));
        } catch (IOException unreachable) {
          LOG.error("The driver could not be told", unreachable);
        }
      }
    }
  }
}
