package dev.lowpass.pipeline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The expected numbers were computed with numpy in float64 from the published formulas. */
class RopeParametersTest {
  private static final String LLAMA_3_2 =
      "{'rope_theta': 500000.0, 'rope_scaling': {'factor': 32.0, 'high_freq_factor': 4.0,"
          + " 'low_freq_factor': 1.0, 'original_max_position_embeddings': 8192,"
          + " 'rope_type': 'llama3'}}";
  private static final String QWEN_YARN =
      "{'rope_theta': 1000000, 'rope_scaling': {'factor': 4.0,"
          + " 'original_max_position_embeddings': 32768, 'type': 'yarn'}}";

  @TempDir Path folder;

  @Test
  void withoutScaling() {
    RopeParameters rope = parse("{}", 64, 2048);
    assertThat(rope.inverseFrequencies()).hasSize(32);
    assertThat(rope.attentionFactor()).isEqualTo(1);
    assertFrequencies(rope, Map.of(0, 1.0, 1, 0.7498942093324559, 31, 0.0001333521432163324));
    assertThat(parse("{'rope_scaling': {'type': 'default'}}", 64, 2048).inverseFrequencies())
        .isEqualTo(rope.inverseFrequencies());
  }

  @Test
  void linear() {
    RopeParameters rope = parse("{'rope_scaling': {'type': 'linear', 'factor': 4}}", 64, 2048);
    assertThat(rope.attentionFactor()).isEqualTo(1);
    assertFrequencies(rope, Map.of(0, 0.25, 31, 0.0001333521432163324 / 4));
  }

  /** Llama 3.2 1B, as published. */
  @Test
  void llama3() {
    RopeParameters rope = parse(LLAMA_3_2, 64, 131072);
    assertThat(rope.attentionFactor()).isEqualTo(1);
    assertFrequencies(
        rope,
        Map.of(
            0, 1.0,
            14, 0.003211445994752591,
            15, 0.001290547928209264,
            16, 0.00042955679655936815,
            17, 9.70828780262767e-05,
            18, 1.9461638184831125e-05,
            31, 9.41830672543491e-08));
  }

  /** Llama 3.1 8B, in the form of transformers 5. */
  @Test
  void llama3InRopeParameters() {
    RopeParameters rope =
        parse(
            "{'rope_parameters': {'rope_theta': 500000.0, 'factor': 8.0, 'high_freq_factor': 4.0,"
                + " 'low_freq_factor': 1.0, 'original_max_position_embeddings': 8192,"
                + " 'rope_type': 'llama3'}}",
            128,
            131072);
    assertFrequencies(
        rope,
        Map.of(
            28, 0.003211445994752591,
            29, 0.002166570763503359,
            32, 0.0005248461609929547,
            35, 9.556212353964683e-05,
            36, 7.78465527393245e-05,
            63, 3.068925988914511e-07));
  }

  /** Qwen3 and Qwen2.5, as their model cards tell to set it. */
  @Test
  void yarn() {
    RopeParameters rope = parse(QWEN_YARN, 128, 32768);
    assertThat(rope.attentionFactor()).isCloseTo(1.138629436111989, within(1e-15));
    assertThat(rope.scaledPositions()).isEqualTo(131072);
    assertFrequencies(
        rope,
        Map.of(
            0, 1.0,
            23, 0.006978305848598663,
            24, 0.005375321490790102,
            30, 0.001064360981247002,
            39, 6.490394320837029e-05,
            40, 4.445698525097307e-05,
            63, 3.102344401879299e-07));
  }

  @Test
  void yarnWithBetas() {
    RopeParameters rope =
        parse(
            "{'rope_scaling': {'type': 'yarn', 'factor': 16, 'beta_fast': 16, 'beta_slow': 2,"
                + " 'attention_factor': 0.5}}",
            64,
            2048);
    assertThat(rope.attentionFactor()).isEqualTo(0.5);
    assertFrequencies(
        rope, Map.of(8, 0.1, 12, 0.024211188335664154, 16, 0.00296875, 31, 8.334508951020775e-06));
  }

  @Test
  void yarnWithoutTruncationAndWithScales() {
    RopeParameters rope =
        parse(
            "{'rope_scaling': {'type': 'yarn', 'factor': 40, 'truncate': false, 'mscale': 1.0,"
                + " 'mscale_all_dim': 0.8, 'original_max_position_embeddings': 4096}}",
            64,
            163840);
    assertThat(rope.attentionFactor()).isCloseTo(1.0569662567531275, within(1e-15));
    assertFrequencies(
        rope,
        Map.of(
            10, 0.05623413251903491,
            11, 0.04036758449441141,
            16, 0.005524062977468265,
            22, 0.00011838773159168897,
            23, 3.33380358040831e-05));
  }

  @Test
  void innerThetaWinsAndScalingOverParameters() {
    double[] frequencies =
        parse(
                "{'rope_theta': 100, 'rope_parameters': {'rope_type': 'default',"
                    + " 'rope_theta': 81}}",
                4,
                64)
            .inverseFrequencies();
    assertThat(frequencies[1]).isCloseTo(1.0 / 9, within(1e-15));
    frequencies =
        parse(
                "{'rope_theta': 100, 'rope_parameters': {'rope_type': 'default'},"
                    + " 'rope_scaling': {'type': 'linear', 'factor': 2}}",
                4,
                64)
            .inverseFrequencies();
    assertThat(frequencies[1]).isCloseTo(0.05, within(1e-15));
  }

  @ParameterizedTest
  @ValueSource(strings = {"dynamic", "longrope", "su", "mrope"})
  void refusesOtherMethodsByName(String type) {
    assertRefused(
        "{'rope_scaling': {'type': '" + type + "', 'factor': 2}}",
        "rope_scaling.type must be one of default, linear, llama3, yarn, found \"" + type + "\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "{'rope_scaling': {'rope_type': 'linear', 'factor': 0.5}}"
            + " | rope_scaling.factor must be at least 1, found 0.5",
        "{'rope_scaling': {'rope_type': 'yarn', 'factor': 'four'}}"
            + " | rope_scaling.factor must be a number, found 'four'",
        "{'rope_scaling': {'rope_type': 'llama3', 'factor': 8, 'low_freq_factor': 4,"
            + " 'high_freq_factor': 4}}"
            + " | rope_scaling.high_freq_factor must be greater than low_freq_factor, found 4",
        "{'rope_theta': 0} | rope_theta must be greater than 0, found 0",
        "{'rope_theta': 1} | rope_theta must be greater than 1, found 1",
        "{'rope_parameters': {'rope_theta': 0.5}}"
            + " | rope_parameters.rope_theta must be greater than 1, found 0.5",
        "{'rope_scaling': []} | rope_scaling must be an object, found []",
        "{'partial_rotary_factor': 0.5} | partial_rotary_factor must be 1 (partly rotated heads"
            + " are not supported), found 0.5",
        "{'rope_parameters': {'partial_rotary_factor': 0.25}}"
            + " | rope_parameters.partial_rotary_factor must be 1 (partly rotated heads are not"
            + " supported), found 0.25",
        "{'rope_parameters': {'full_attention': {'rope_theta': 10000}}}"
            + " | rope_parameters.full_attention is set by layer type, which is not supported",
      })
  void refusesWrongSettings(String config, String message) {
    assertRefused(config, message.replace('\'', '"'));
  }

  @Test
  void namesAMissingKey() {
    assertRefused(
        "{'rope_scaling': {'rope_type': 'linear'}}",
        "rope_scaling.factor is missing; add it as the model's publisher states it");
    assertRefused(
        "{'rope_scaling': {'rope_type': 'llama3', 'factor': 8, 'low_freq_factor': 1}}",
        "rope_scaling.high_freq_factor is missing; add it as the model's publisher states it");
  }

  private void assertRefused(String config, String message) {
    assertThatThrownBy(() -> parse(config, 64, 2048))
        .isInstanceOf(ModelException.class)
        .hasMessage(folder.resolve("config.json") + ": " + message);
  }

  private static void assertFrequencies(RopeParameters rope, Map<Integer, Double> expected) {
    expected.forEach(
        (pair, frequency) ->
            assertThat(rope.inverseFrequencies()[pair])
                .as("pair %d", pair)
                .isCloseTo(frequency, within(1e-12 * frequency)));
  }

  private RopeParameters parse(String config, int headDim, int maxPositions) {
    Path file = folder.resolve("config.json");
    try {
      Files.writeString(file, config.replace('\'', '"'));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return RopeParameters.parse(JsonObject.read(file), headDim, maxPositions);
  }
}
