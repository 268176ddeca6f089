package dev.lowpass.udfs.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.pipeline.model.ModelConfig;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.model.Settings;
import dev.lowpass.udfs.InputException;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which of its sources decides a policy's parameter. */
class PolicySettingsTest {
  private static final int WINDOW = 2048;

  @ParameterizedTest
  @CsvSource({
    "llama, 32, 15, 'conf/policies.conf: llama, 32 layers'", // FastKV's own models
    "mistral, 36, 17, 'conf/policies.conf: mistral, 36 layers'",
    "mistral, 40, 19, 'conf/policies.conf: mistral, 40 layers'",
    "qwen3, 36, 17, conf/policies.conf",
    "llama, 16, 7, conf/policies.conf",
    "llama, 5, 1, conf/policies.conf"
  })
  void theTspLayerGoesByModelAndDepth(String type, int layers, String layer, String origin)
      throws IOException {
    PolicySettings settings =
        PolicySettings.of(
            Map.of(PolicyParameter.PREFILL, given("fastkv")),
            config(type, layers, Map.of()),
            PolicyDefaults.load());
    assertThat(settings.value(PolicyParameter.TSP_LAYER)).isEqualTo(layer);
    assertThat(settings.origin(PolicyParameter.TSP_LAYER)).isEqualTo(origin);
    assertThat(settings.value(PolicyParameter.TSP_RATE)).isEqualTo("0.2");
    assertThat(settings.value(PolicyParameter.RETENTION_RATE)).isEqualTo("0.1");
  }

  @Test
  void theStrongerSourceDecides() {
    PolicyDefaults defaults =
        PolicyDefaults.parse(
            "x",
            """
            * * sinks 1 # a remark
            * * exact-share 0.1
            * * retained-ratio 0.1
            * * observation-window 3
            """);
    ModelConfig tuned =
        config(
            "llama",
            4,
            Map.of("cache", "hybrid", "cache-tokens", "1024", "sinks", "2", "exact-share", "0.25"));
    PolicySettings settings =
        PolicySettings.of(Map.of(PolicyParameter.SINKS, given("3")), tuned, defaults);
    assertThat(settings.policy()).isEqualTo(new PolicyName("full", "hybrid"));
    assertThat(settings.cache().cacheTokens()).isEqualTo(1024);
    assertThat(settings.cache().sinks()).isEqualTo(3);
    assertThat(settings.origin(PolicyParameter.SINKS)).isEqualTo("here");
    assertThat(settings.cache().exactShare()).isEqualTo(0.25);
    assertThat(settings.origin(PolicyParameter.EXACT_SHARE)).isEqualTo("the model's config.json");
    assertThat(settings.cache().retainedRatio()).isEqualTo(0.1);
    assertThat(settings.origin(PolicyParameter.RETAINED_RATIO)).isEqualTo("conf/policies.conf");
    assertThat(settings.value(PolicyParameter.POOLING_KERNEL)).isEqualTo("7");
    assertThat(settings.origin(PolicyParameter.POOLING_KERNEL)).isEqualTo("built in");
    assertThat(settings.value(PolicyParameter.POSITIONS)).as("a tuned model's").isEqualTo("cache");
    assertThat(settings.value(PolicyParameter.TSP_RATE)).isEqualTo("-");
    assertThat(settings.origin(PolicyParameter.TSP_RATE)).isEqualTo("not used");
    assertThat(settings.contextTokens()).isZero();
  }

  @Test
  void aTunedModelsCacheSizeIsNoLimitOfAFullCache() {
    ModelConfig tuned = config("llama", 4, Map.of("cache", "hybrid", "cache-tokens", "1024"));
    PolicySettings full = settings(Map.of(PolicyParameter.CACHE, given("full")), tuned);
    assertThat(full.cache().cacheTokens()).isEqualTo(WINDOW);
    assertThat(full.contextTokens()).isZero();
    PolicySettings limited =
        settings(
            Map.of(
                PolicyParameter.CACHE, given("full"), PolicyParameter.CACHE_TOKENS, given("600")),
            tuned);
    assertThat(limited.contextTokens()).isEqualTo(600);
  }

  @Test
  void whoGivesALengthHasNoDefaultShare() {
    PolicySettings settings =
        settings(
            Map.of(
                PolicyParameter.PREFILL, given("fastkv"),
                PolicyParameter.TSP_LENGTH, given("512")),
            config("llama", 4, Map.of()));
    assertThat(settings.prefill().tspLength()).isEqualTo(512);
    assertThat(settings.value(PolicyParameter.TSP_RATE)).isEqualTo("-");
    assertThat(settings.origin(PolicyParameter.TSP_RATE)).isEqualTo("--tsp-length says it");
  }

  @Test
  void defaultsThatThePolicyDoesNotUseDoNoHarm() {
    PolicySettings settings =
        settings(
            Map.of(
                PolicyParameter.PREFILL, given("fastkv"),
                PolicyParameter.CACHE, given("hybrid"),
                PolicyParameter.CACHE_TOKENS, given("512")),
            config("llama", 4, Map.of("retention-rate", "0.3")));
    assertThat(settings.prefill().retentionRate()).isZero();
    assertThat(settings.value(PolicyParameter.RETENTION_RATE)).isEqualTo("-");
  }

  @Test
  void whatDoesNotGoWithTheModel() {
    Map<PolicyParameter, Setting> given =
        Map.of(PolicyParameter.CACHE, given("freqkv"), PolicyParameter.CACHE_TOKENS, given("4096"));
    assertThatThrownBy(() -> settings(given, config("llama", 4, Map.of())).cache())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("--cache-tokens (N) is 4096")
        .hasMessageContaining("2048");
  }

  @ParameterizedTest
  @CsvSource({
    "'* * sinks', '3 words; write model_type, layers, option and value'",
    "'llama many sinks 4', 'layers is many; write a number or *'",
    "'* * colour blue', 'colour is no policy''s parameter'"
  })
  void aFaultyLineIsNamed(String line, String message) {
    assertThatThrownBy(() -> PolicyDefaults.parse("p.conf", "# x\n\n" + line))
        .isInstanceOf(InputException.class)
        .hasMessage("p.conf:3: " + message);
  }

  private static PolicySettings settings(Map<PolicyParameter, Setting> given, ModelConfig config) {
    try {
      return PolicySettings.of(given, config, PolicyDefaults.load());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Setting given(String value) {
    return new Setting(value, "here");
  }

  private static ModelConfig config(String type, int layers, Map<String, String> tuning) {
    return new ModelConfig(
        type,
        64,
        64,
        layers,
        4,
        2,
        16,
        100,
        WINDOW,
        1e-5f,
        null,
        false,
        false,
        false,
        false,
        false,
        Integer.MAX_VALUE,
        0,
        new Settings(tuning));
  }
}
