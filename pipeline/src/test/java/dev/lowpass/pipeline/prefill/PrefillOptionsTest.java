package dev.lowpass.pipeline.prefill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.model.Settings;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrefillOptionsTest {
  private static final CacheOptions FULL = CacheOptions.FULL.resolve(4096, false);
  private static final CacheOptions HYBRID = CacheOptions.of("hybrid", 256).resolve(4096, false);

  /**
   * T of the models that the paper names, by their depths: Llama-3.1-8B, Ministral-8B, Nemo-12B.
   */
  @ParameterizedTest
  @CsvSource({"32,15", "36,17", "40,19"})
  void defaultsAreThePapers(int layers, int layer) {
    assertThat(PrefillOptions.of("fastkv").resolve(layers, FULL))
        .isEqualTo(new PrefillOptions("fastkv", layer, 0.2, 0, 0.1, 0));
    assertThat(PrefillOptions.of("fastkv").resolve(layers, HYBRID))
        .isEqualTo(new PrefillOptions("fastkv", layer, 0.2, 0, 0, 0));
  }

  @Test
  void whatIsNotUsedIsNothing() {
    PrefillOptions options = settings("prefill", "full", "tsp-rate", "0.7", "tsp-layer", "99");
    assertThat(options.resolve(4, FULL)).isEqualTo(new PrefillOptions("full", 0, 0, 0, 0, 0));
    assertThat(settings("prefill", "fastkv", "tsp-length", "64").resolve(4, FULL).tspRate())
        .isZero();
  }

  @Test
  void refusesWhatCannotWork() {
    refused(
        settings("prefill", "gemfilter"),
        FULL,
        "--prefill is 'gemfilter'; use one of full, fastkv");
    refused(
        fastkv("tsp-layer", "3"), FULL, "the model has 4 layers: give 0 to 2, or --prefill full");
    refused(fastkv("tsp-rate", "1.5"), FULL, "--tsp-rate (tau) is 1.5");
    refused(fastkv("tsp-rate", "NaN"), FULL, "--tsp-rate (tau) is NaN");
    refused(fastkv("tsp-rate", "0.1", "tsp-length", "64"), FULL, "are both given");
    refused(fastkv("retention-rate", "0.2"), FULL, "layers after T would keep all that they see");
    refused(fastkv("retention-rate", "0.05", "retention-tokens", "64"), FULL, "are both given");
    refused(
        fastkv("retention-tokens", "12"),
        FULL,
        "(w) and --sinks (S), which are always kept, take 12");
    refused(fastkv("tsp-length", "12"), FULL, "which always go on, take 12");
    refused(fastkv("tsp-length", "64"), HYBRID, "reads chunk by chunk: give --tsp-rate");
    refused(fastkv("retention-rate", "0.1"), HYBRID, "--cache hybrid keeps --cache-tokens (N)");
    // A chunk of 63 tokens: 7.56 of them are fewer than 8.
    refused(fastkv("tsp-rate", "0.12"), HYBRID, "leaves 7 of a chunk of M - L = 63 tokens");
    assertThatThrownBy(() -> PrefillOptions.of("fastkv").resolve(1, FULL))
        .isInstanceOf(ModelException.class);
  }

  private static PrefillOptions fastkv(String... settings) {
    String[] all = new String[settings.length + 2];
    all[0] = "prefill";
    all[1] = "fastkv";
    System.arraycopy(settings, 0, all, 2, settings.length);
    return settings(all);
  }

  private static PrefillOptions settings(String... settings) {
    Map<String, String> values = new HashMap<>();
    for (int i = 0; i < settings.length; i += 2) {
      values.put(settings[i], settings[i + 1]);
    }
    return PrefillOptions.of(new Settings(values));
  }

  private static void refused(PrefillOptions options, CacheOptions cache, String message) {
    assertThatThrownBy(() -> options.resolve(4, cache))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(message);
  }
}
