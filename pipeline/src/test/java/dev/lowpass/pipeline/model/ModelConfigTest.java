package dev.lowpass.pipeline.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelConfigTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final String COMMON =
      "{'hidden_size': 64, 'intermediate_size': 128, 'num_hidden_layers': 4,"
          + " 'num_attention_heads': 8, 'vocab_size': 100, 'max_position_embeddings': 512}";

  private static final int ALL = Integer.MAX_VALUE;

  @TempDir Path folder;

  @Test
  void llamaDefaults() {
    ModelConfig config = parse("llama", "{}");
    assertThat(config.modelType()).isEqualTo("llama");
    assertThat(config.hiddenSize()).isEqualTo(64);
    assertThat(config.intermediateSize()).isEqualTo(128);
    assertThat(config.layers()).isEqualTo(4);
    assertThat(config.heads()).isEqualTo(8);
    assertThat(config.kvHeads()).isEqualTo(8);
    assertThat(config.headDim()).isEqualTo(8);
    assertThat(config.vocabularySize()).isEqualTo(100);
    assertThat(config.maxPositions()).isEqualTo(512);
    assertThat(config.rmsNormEpsilon()).isEqualTo(1e-6f);
    assertThat(config.rope().inverseFrequencies()).hasSize(4);
    assertThat(config.tiedEmbeddings()).isFalse();
    assertThat(config.slidingWindow()).isEqualTo(ALL);
    assertBiases(config, false, false, false, false);
  }

  @Test
  void statedValuesWin() {
    ModelConfig config =
        parse(
            "llama",
            "{'num_key_value_heads': 2, 'head_dim': 16, 'rms_norm_eps': 1e-5,"
                + " 'tie_word_embeddings': true, 'architectures': ['LlamaForCausalLM'],"
                + " 'hidden_act': 'silu', 'sliding_window': 8, 'pretraining_tp': 1}");
    assertThat(config.kvHeads()).isEqualTo(2);
    assertThat(config.headDim()).isEqualTo(16);
    assertThat(config.rmsNormEpsilon()).isEqualTo(1e-5f);
    assertThat(config.tiedEmbeddings()).isTrue();
    assertThat(config.slidingWindow()).isEqualTo(ALL); // Llama has none, whatever is stated
  }

  @Test
  void nullIsTheDefault() {
    ModelConfig config =
        parse("llama", "{'num_key_value_heads': null, 'head_dim': null, 'rope_scaling': null}");
    assertThat(config.kvHeads()).isEqualTo(8);
    assertThat(config.headDim()).isEqualTo(8);
  }

  @Test
  void biasesAndNormsOfTheFamilies() {
    String biased = "{'attention_bias': true, 'mlp_bias': true}";
    assertBiases(parse("llama", biased), true, true, true, false);
    assertBiases(parse("mistral", biased), false, false, false, false);
    assertBiases(parse("qwen2", "{}"), true, false, false, false);
    assertBiases(parse("qwen2", biased), true, false, false, false);
    assertBiases(parse("qwen3", "{}"), false, false, false, true);
    assertBiases(parse("qwen3", biased), true, true, false, true);
    assertThat(parse("qwen3", "{}").headDim()).isEqualTo(128);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      nullValues = "none",
      value = {
        "mistral | {} | 4096 | 0",
        "mistral | {'sliding_window': 7} | 7 | 0",
        "mistral | {'sliding_window': null} | none | none",
        "mistral | {'sliding_window': null, 'layer_types': ['full_attention', 'full_attention',"
            + " 'full_attention', 'full_attention']} | none | none",
        "qwen2 | {'sliding_window': 7, 'max_window_layers': 2} | none | none",
        "qwen2 | {'use_sliding_window': true, 'sliding_window': 7, 'max_window_layers': 2} | 7 | 2",
        "qwen2 | {'use_sliding_window': true, 'sliding_window': 7, 'max_window_layers': 0} | 7 | 0",
        "qwen2 | {'use_sliding_window': true, 'sliding_window': 7} | none | none",
        "qwen2 | {'use_sliding_window': true, 'max_window_layers': 3} | 4096 | 3",
        "qwen3 | {'use_sliding_window': true, 'sliding_window': null} | none | none",
        "qwen3 | {'use_sliding_window': true, 'sliding_window': 7, 'max_window_layers': 4,"
            + " 'layer_types': ['full_attention', 'sliding_attention', 'sliding_attention',"
            + " 'sliding_attention']} | 7 | 1",
      })
  void slidingWindows(String family, String settings, Integer window, Integer first) {
    ModelConfig config = parse(family, settings);
    for (int layer = 0; layer < 4; layer++) {
      boolean slides = window != null && layer >= first;
      assertThat(config.window(layer)).as("layer %d", layer).isEqualTo(slides ? window : ALL);
    }
    assertThat(config.slidingWindow()).isEqualTo(window == null ? ALL : window);
    assertThat(config.maxWindowLayers()).isEqualTo(window == null ? 0 : first);
  }

  /** Qwen's instructions for long inputs leave max_position_embeddings as it is. */
  @Test
  void yarnLengthensTheWindow() {
    String yarn =
        "'rope_scaling': {'type': 'yarn', 'factor': 4.0,"
            + " 'original_max_position_embeddings': 512}";
    assertThat(parse("qwen2", "{" + yarn + "}").maxPositions()).isEqualTo(2048);
    assertThat(parse("qwen2", "{'max_position_embeddings': 4096, " + yarn + "}").maxPositions())
        .isEqualTo(4096);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "model_type",
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "vocab_size",
        "max_position_embeddings"
      })
  void namesAMissingKey(String key) throws IOException {
    ObjectNode config = (ObjectNode) JSON.readTree(COMMON.replace('\'', '"'));
    config.put("model_type", "llama").remove(key);
    Files.writeString(file(), config.toString());
    assertRefused(key + " is missing; add it as the model's publisher states it");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "{'model_type': 'gpt2'}"
            + " | model_type must be one of llama, mistral, qwen2, qwen3, found 'gpt2'",
        "{'model_type': 7} | model_type must be a string, found 7",
        "{'hidden_size': '64'} | hidden_size must be a whole number of at least 1, found '64'",
        "{'hidden_size': 64.0} | hidden_size must be a whole number of at least 1, found 64.0",
        "{'hidden_size': 0} | hidden_size must be a whole number of at least 1, found 0",
        "{'vocab_size': 99999999999}"
            + " | vocab_size must be a whole number of at least 1, found 99999999999",
        "{'num_hidden_layers': 2000000000}"
            + " | num_hidden_layers must be at most 10000, found 2000000000",
        "{'rms_norm_eps': 'tiny'} | rms_norm_eps must be a number, found 'tiny'",
        "{'rms_norm_eps': -1} | rms_norm_eps must be greater than 0, found -1",
        "{'tie_word_embeddings': 1} | tie_word_embeddings must be true or false, found 1",
        "{'attention_bias': 'no'} | attention_bias must be true or false, found 'no'",
        "{'num_key_value_heads': 3}"
            + " | num_key_value_heads must be a divisor of num_attention_heads (8), found 3",
        "{'num_attention_heads': 7} | num_attention_heads must be a divisor of hidden_size (64)"
            + " where head_dim is not stated, found 7",
        "{'head_dim': 7}"
            + " | head_dim is 7, but rotary positions need an even number of channels",
        "{'hidden_size': 72}"
            + " | head_dim is 9, but rotary positions need an even number of channels",
        "{'hidden_act': 'gelu'} | hidden_act must be 'silu', found 'gelu'",
        "{'quantization_config': {'quant_method': 'gptq', 'bits': 4}}"
            + " | quantization_config says that the weights are quantised (gptq), which is not"
            + " supported; use the F32, F16 or BF16 checkpoint",
        "{'num_experts': 8} | num_experts belongs to an architecture that is not supported; use a"
            + " dense text-only model",
        "{'architectures': ['LlamaForSequenceClassification']} | architectures must be a"
            + " ...ForCausalLM: the model must generate text, found"
            + " ['LlamaForSequenceClassification']",
        "{'layer_types': ['full_attention']}"
            + " | layer_types must be a list of 4 strings, one a layer, found ['full_attention']",
        "{'layer_types': ['full_attention', 'sliding_attention', 'full_attention',"
            + " 'full_attention']} | layer_types has 'sliding_attention' for layer 1 where"
            + " full_attention follows from the other settings; only full attention, then sliding,"
            + " is supported",
      })
  void refusesWrongSettings(String settings, String message) {
    write("llama", settings);
    assertRefused(message.replace('\'', '"'));
  }

  @Test
  void refusesAlternatingWindows() {
    write(
        "qwen3",
        "{'use_sliding_window': true, 'layer_types': ['sliding_attention', 'full_attention',"
            + " 'sliding_attention', 'full_attention']}");
    assertRefused(
        "layer_types has \"full_attention\" for layer 1 where sliding_attention follows from the"
            + " other settings; only full attention, then sliding, is supported");
  }

  @Test
  void refusesWhatIsNotAJsonObject() throws IOException {
    Files.writeString(file(), "{\n\"hidden_size\": 1,\n\"hidden_size\": 2}");
    assertRefused("not valid JSON: Duplicate field 'hidden_size' (line 3)");
    Files.writeString(file(), "[]");
    assertRefused("not a JSON object; put the settings in { }");
    Files.writeString(file(), "");
    assertRefused("not a JSON object; put the settings in { }");
    Files.write(file(), new byte[] {'{', (byte) 0xff, '}'});
    assertRefused("not UTF-8; save it as UTF-8");
  }

  @Test
  void aTunedModelSaysHowItIsRead() {
    assertThat(parse("llama", "{}").tuned()).isFalse();
    assertThat(parse("llama", "{'lowpass': {}}").tuned()).isFalse();
    ModelConfig config =
        parse(
            "llama",
            "{'lowpass': {'cache': 'hybrid', 'cache_tokens': 1024, 'exact_share': 0.5, 'positions': 'cache'}}");
    assertThat(config.tuned()).isTrue();
    assertThat(config.tuning().values())
        .isEqualTo(
            Map.of(
                "cache",
                "hybrid",
                "cache-tokens",
                "1024",
                "exact-share",
                "0.5",
                "positions",
                "cache"));
    Map<String, Integer> every = new HashMap<>();
    for (List<String> names : List.of(CacheOptions.SETTINGS, PrefillOptions.SETTINGS)) {
      names.forEach(name -> every.put("'" + name.replace('-', '_') + "'", 1));
    }
    assertThat(
            parse("llama", "{'lowpass': " + every.toString().replace('=', ':') + "}")
                .tuning()
                .values())
        .hasSize(CacheOptions.SETTINGS.size() + PrefillOptions.SETTINGS.size());
  }

  @Test
  void refusesATuningThatItDoesNotKnow() {
    write("llama", "{'lowpass': {'window': 1}}");
    assertThatThrownBy(() -> ModelConfig.parse(file()))
        .hasMessageStartingWith(file() + ": lowpass.window is not known; use cache, cache_tokens,");
    write("llama", "{'lowpass': {'cache': ['hybrid']}}");
    assertRefused("lowpass.cache must be a string or a number, found [\"hybrid\"]");
    write("llama", "{'lowpass': 'hybrid'}");
    assertRefused("lowpass must be an object, found \"hybrid\"");
  }

  private void assertRefused(String message) {
    assertThatThrownBy(() -> ModelConfig.parse(file()))
        .isInstanceOf(ModelException.class)
        .hasMessage(file() + ": " + message);
  }

  private static void assertBiases(
      ModelConfig config, boolean input, boolean output, boolean mlp, boolean norms) {
    assertThat(config.queryKeyValueBias()).isEqualTo(input);
    assertThat(config.attentionOutputBias()).isEqualTo(output);
    assertThat(config.mlpBias()).isEqualTo(mlp);
    assertThat(config.queryKeyNorm()).isEqualTo(norms);
  }

  private ModelConfig parse(String family, String settings) {
    write(family, settings);
    return ModelConfig.parse(file());
  }

  /** The common settings, with others over them. */
  private void write(String family, String settings) {
    try {
      ObjectNode config = (ObjectNode) JSON.readTree(COMMON.replace('\'', '"'));
      config.put("model_type", family);
      JsonNode overrides = JSON.readTree(settings.replace('\'', '"'));
      config.setAll((ObjectNode) overrides);
      Files.writeString(file(), config.toString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path file() {
    return folder.resolve("config.json");
  }
}
