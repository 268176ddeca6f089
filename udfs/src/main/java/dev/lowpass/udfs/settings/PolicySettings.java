package dev.lowpass.udfs.settings;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.model.ModelConfig;
import dev.lowpass.pipeline.model.Settings;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The policies' parameters on one model, and where each comes from: the command line, else a {@code
 * spark.lowpass.*} key, else the model's {@code config.json} ({@code "lowpass": {...}}), else
 * {@code conf/policies.conf}, else what is built in.
 */
public final class PolicySettings {
  private static final String MODEL = "the model's config.json";
  private static final String BUILT_IN = "built in";

  private final ModelConfig config;
  private final Map<PolicyParameter, Setting> settings;
  private final PolicyName policy;

  private PolicySettings(
      ModelConfig config, Map<PolicyParameter, Setting> settings, PolicyName policy) {
    this.config = config;
    this.settings = settings;
    this.policy = policy;
  }

  /**
   * Puts the layers together.
   *
   * @param given on the command line or by keys
   */
  public static PolicySettings of(
      Map<PolicyParameter, Setting> given, ModelConfig config, PolicyDefaults defaults) {
    Map<PolicyParameter, Setting> settings = new EnumMap<>(PolicyParameter.class);
    put(settings, defaults.of(config));
    put(settings, tuning(config));
    PolicyName policy =
        new PolicyName(
            value(given, settings, PolicyParameter.PREFILL, PrefillOptions.FULL.prefill()),
            value(given, settings, PolicyParameter.CACHE, CacheOptions.FULL.cache()));
    if (!policy.bounded()) {
      // A bounded cache's size says nothing of how long a document may be that is kept whole.
      settings.remove(PolicyParameter.CACHE_TOKENS);
    }
    put(settings, given);
    return new PolicySettings(config, settings, policy);
  }

  /** What the model says for itself. */
  private static Map<PolicyParameter, Setting> tuning(ModelConfig config) {
    Map<PolicyParameter, Setting> tuning = new EnumMap<>(PolicyParameter.class);
    config
        .tuning()
        .values()
        .forEach(
            (name, value) ->
                tuning.put(PolicyParameter.of(name).orElseThrow(), new Setting(value, MODEL)));
    return tuning;
  }

  /** Adds what goes before all that is there. */
  private static void put(
      Map<PolicyParameter, Setting> settings, Map<PolicyParameter, Setting> stronger) {
    stronger.keySet().forEach(parameter -> parameter.alternative().ifPresent(settings::remove));
    settings.putAll(stronger);
  }

  private static String value(
      Map<PolicyParameter, Setting> given,
      Map<PolicyParameter, Setting> settings,
      PolicyParameter parameter,
      String otherwise) {
    Setting setting = given.getOrDefault(parameter, settings.get(parameter));
    return setting == null ? otherwise : setting.value();
  }

  public PolicyName policy() {
    return policy;
  }

  /**
   * The cache policy, resolved for the model.
   *
   * @throws dev.lowpass.pipeline.model.ModelException if parameters do not go together, or with the
   *     model
   */
  public CacheOptions cache() {
    return CacheOptions.of(used()).resolve(config.maxPositions(), config.tuned());
  }

  /** The prefill policy, resolved for the model and the cache; throws like {@link #cache}. */
  public PrefillOptions prefill() {
    return PrefillOptions.of(used()).resolve(config.layers(), cache());
  }

  /** The longest sequence; 0 for as long as model and cache allow. */
  public int contextTokens() {
    return policy.bounded() ? 0 : CacheOptions.of(used()).cacheTokens();
  }

  /** What the policy has a use for. */
  private Settings used() {
    Map<String, String> values = new HashMap<>();
    settings.forEach(
        (parameter, setting) -> {
          if (parameter.usedBy(policy)) {
            values.put(parameter.option(), setting.value());
          }
        });
    values.put(PolicyParameter.PREFILL.option(), policy.prefill());
    values.put(PolicyParameter.CACHE.option(), policy.cache());
    return new Settings(values);
  }

  /** Where a parameter has its value from. */
  public String origin(PolicyParameter parameter) {
    if (!parameter.usedBy(policy)) {
      return "not used";
    }
    Setting setting = settings.get(parameter);
    if (setting != null) {
      return setting.origin();
    }
    Optional<PolicyParameter> alternative = parameter.alternative().filter(settings::containsKey);
    return alternative.map(other -> "--" + other.option() + " says it").orElse(BUILT_IN);
  }

  /**
   * A parameter's resolved value; {@code -} where the policy has no use for it.
   *
   * @throws dev.lowpass.pipeline.model.ModelException like {@link #cache}
   */
  public String value(PolicyParameter parameter) {
    if (!parameter.usedBy(policy)) {
      return "-";
    }
    CacheOptions cache = cache();
    PrefillOptions prefill = prefill();
    Object value =
        switch (parameter) {
          case PREFILL -> prefill.prefill();
          case CACHE -> cache.cache();
          case CACHE_TOKENS -> cache.cacheTokens();
          case CACHE_TYPE -> cache.type();
          case SINKS -> cache.sinks();
          case RETAINED_RATIO -> cache.retainedRatio();
          case RECENT -> cache.recent();
          case EXACT_SHARE -> cache.exactShare();
          case OBSERVATION_WINDOW -> cache.observation().window();
          case POOLING -> cache.observation().pooling();
          case POOLING_KERNEL -> cache.observation().kernel();
          case POSITIONS -> cache.positions();
          case PROBE -> cache.probe();
          case TSP_LAYER -> prefill.tspLayer();
          case TSP_RATE -> orNone(prefill.tspRate());
          case TSP_LENGTH -> orNone(prefill.tspLength());
          case RETENTION_RATE -> orNone(prefill.retentionRate());
          case RETENTION_TOKENS -> orNone(prefill.retentionTokens());
        };
    return value.toString();
  }

  /** A share or a number that is 0 where its alternative was given. */
  private static Object orNone(Number value) {
    return value.doubleValue() == 0 ? "-" : value;
  }

  /**
   * What holds for the model whatever the policy, as far as it is not left to the policy: for
   * {@code inspect}.
   */
  public Map<PolicyParameter, Setting> defaults() {
    CacheOptions cache = CacheOptions.of(policy.cache(), 0);
    Map<PolicyParameter, Object> builtIn = new EnumMap<>(PolicyParameter.class);
    builtIn.put(PolicyParameter.PREFILL, policy.prefill());
    builtIn.put(PolicyParameter.CACHE, cache.cache());
    builtIn.put(PolicyParameter.CACHE_TYPE, cache.type());
    builtIn.put(PolicyParameter.SINKS, cache.sinks());
    builtIn.put(PolicyParameter.RETAINED_RATIO, cache.retainedRatio());
    builtIn.put(PolicyParameter.EXACT_SHARE, cache.exactShare());
    builtIn.put(PolicyParameter.OBSERVATION_WINDOW, cache.observation().window());
    builtIn.put(PolicyParameter.POOLING, cache.observation().pooling());
    builtIn.put(PolicyParameter.POOLING_KERNEL, cache.observation().kernel());
    builtIn.put(PolicyParameter.POSITIONS, cache.positions());
    builtIn.put(PolicyParameter.PROBE, cache.probe());
    Map<PolicyParameter, Setting> all = new EnumMap<>(PolicyParameter.class);
    builtIn.forEach(
        (parameter, value) -> all.put(parameter, new Setting(value.toString(), BUILT_IN)));
    all.put(
        PolicyParameter.CACHE_TOKENS,
        new Setting(String.valueOf(config.maxPositions()), "the model's window"));
    all.putAll(settings);
    return all;
  }
}
