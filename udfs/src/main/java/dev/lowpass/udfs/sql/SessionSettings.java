package dev.lowpass.udfs.sql;

import dev.lowpass.pipeline.engine.EngineOptions;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.model.Settings;
import dev.lowpass.pipeline.model.WeightType;
import dev.lowpass.udfs.DocumentLimits;
import dev.lowpass.udfs.DocumentTask;
import dev.lowpass.udfs.EngineSpec;
import dev.lowpass.udfs.FunctionSettings;
import dev.lowpass.udfs.Generation;
import dev.lowpass.udfs.InputException;
import dev.lowpass.udfs.ModelFolder;
import dev.lowpass.udfs.ModelFunction;
import dev.lowpass.udfs.Policy;
import dev.lowpass.udfs.TokenizerSpec;
import dev.lowpass.udfs.settings.Durations;
import dev.lowpass.udfs.settings.Installation;
import dev.lowpass.udfs.settings.PolicyDefaults;
import dev.lowpass.udfs.settings.PolicyParameter;
import dev.lowpass.udfs.settings.PolicySettings;
import dev.lowpass.udfs.settings.Setting;
import dev.lowpass.udfs.settings.SettingKeys;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import scala.jdk.javaapi.CollectionConverters;

/**
 * What a session's {@code spark.lowpass.*} keys say of its functions, by the names that the options
 * have on the command line. They hold from when a query is analyzed, as Spark's own do.
 */
final class SessionSettings {
  private static final List<String> OPTIONS =
      List.of(
          "model",
          "model-cache",
          "device",
          "threads",
          "slots",
          "batch-tokens",
          "weights",
          "max-new-tokens",
          "temperature",
          "top-p",
          "top-k",
          "seed",
          "stop",
          "deadline",
          "max-input-tokens",
          "chat",
          SettingKeys.ON_ERROR);

  private static final List<String> ON_ERROR = List.of("fail", "null");
  private static final List<String> BOOLEANS = List.of("true", "false");

  private final Settings settings;
  private final Map<PolicyParameter, Setting> policy = new EnumMap<>(PolicyParameter.class);
  private final Configuration hadoop;

  private SessionSettings(Map<String, String> conf, Configuration hadoop) {
    Map<String, String> values = new HashMap<>();
    for (String option : OPTIONS) {
      String value = conf.get(SettingKeys.of(option));
      if (value != null) {
        values.put(option, value);
      }
    }
    this.settings = new Settings(values);
    for (PolicyParameter parameter : PolicyParameter.values()) {
      String key = SettingKeys.of(parameter.option());
      if (conf.containsKey(key)) {
        policy.put(parameter, new Setting(conf.get(key), key));
      }
    }
    this.hadoop = hadoop;
  }

  /** Those of the session that a query is being analyzed in. */
  static SessionSettings active() {
    // Not SQLConf's, which inside of a view are those that the view was made with, without ours.
    SparkSession session = SparkSession.active();
    return new SessionSettings(
        CollectionConverters.asJava(session.conf().getAll()),
        session.sparkContext().hadoopConfiguration());
  }

  Configuration hadoop() {
    return hadoop;
  }

  /** Whether a prompt is a user's message: unless told otherwise, where the model has chats. */
  boolean chat() {
    String otherwise = String.valueOf(model().chatTemplate());
    return Boolean.parseBoolean(Settings.oneOf("chat", settings.text("chat", otherwise), BOOLEANS));
  }

  TokenizerSpec tokenizer() {
    return new TokenizerSpec(location(), modelCache(), model().version());
  }

  /**
   * A function under these settings.
   *
   * @throws ModelException if the model cannot be used, or does not go with them
   * @throws InputException if they make no sense
   */
  ModelFunction function(String name, DocumentTask task) {
    Generation generation = generation(task);
    generation.options();
    task.check(generation);
    if (!model().chatTemplate() && !task.equals(new DocumentTask.Generate(/* chat= */ false))) {
      throw new ModelException(
          "--model "
              + location()
              + " has no chat template, so it cannot be asked anything; give an instruct model");
    }
    return new ModelFunction(name, task, generation, functionSettings());
  }

  private FunctionSettings functionSettings() {
    PolicySettings resolved;
    try {
      resolved = PolicySettings.of(policy, model().config(), PolicyDefaults.load());
    } catch (IOException e) {
      throw new ModelException("the policies' defaults cannot be read: " + e.getMessage(), e);
    }
    policy.keySet().forEach(parameter -> parameter.checkUsed(List.of(resolved.policy())));
    String device = settings.text("device", "auto");
    int threads = settings.integer("threads", 0);
    EngineSpec.checkDevice(device, threads);
    int slots = settings.integer("slots", 0);
    int batchTokens = settings.integer("batch-tokens", EngineOptions.DEFAULT_BATCH_TOKENS);
    EngineSpec.checkBatching(slots, batchTokens);
    WeightType weights = WeightType.of(settings.text("weights", "auto"));
    EngineSpec engine =
        new EngineSpec(
            location(),
            model().digest(ModelFolder.weights(weights, modelCache()).cache()),
            modelCache(),
            device,
            threads,
            resolved.contextTokens(),
            resolved.cache(),
            resolved.prefill(),
            slots,
            batchTokens,
            weights);
    return new FunctionSettings(
        engine, new Policy(resolved.prefill(), resolved.cache()), limits(), nullOnError());
  }

  private Generation generation(DocumentTask task) {
    String stop = settings.text("stop", "");
    return new Generation(
        settings.integer("max-new-tokens", task.defaultMaxNewTokens()),
        (float) settings.number("temperature", 0),
        (float) settings.number("top-p", 1),
        settings.integer("top-k", 0),
        settings.integer("seed", 0),
        stop.isEmpty() ? List.of() : List.of(stop));
  }

  private DocumentLimits limits() {
    String deadline = settings.text("deadline", "");
    int inputTokens = settings.integer("max-input-tokens", 0);
    DocumentLimits.checkInputTokens(inputTokens);
    try {
      return new DocumentLimits(deadline.isEmpty() ? null : Durations.parse(deadline), inputTokens);
    } catch (IllegalArgumentException e) {
      throw new InputException("--deadline: " + e.getMessage());
    }
  }

  private boolean nullOnError() {
    String option = SettingKeys.ON_ERROR;
    return Settings.oneOf(option, settings.text(option, "fail"), ON_ERROR).equals("null");
  }

  private String location() {
    String given = settings.text("model", null);
    return given != null
        ? given
        : Installation.bundledModel()
            .map(Path::toString)
            .orElseThrow(
                () ->
                    new InputException(
                        "no model; set --model to a Hugging Face folder or its Hadoop URI"));
  }

  private String modelCache() {
    return settings.text("model-cache", ModelFolder.defaultCache());
  }

  private ModelFacts model() {
    return ModelFacts.of(ModelFolder.local(location(), Path.of(modelCache()), hadoop));
  }
}
