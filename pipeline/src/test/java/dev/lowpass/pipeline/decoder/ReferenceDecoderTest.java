package dev.lowpass.pipeline.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.kernels.DType;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.SharedModels;
import dev.lowpass.pipeline.model.TinyCheckpoints;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ReferenceDecoderTest {
  @TempDir Path folder;

  /** A model that others trained: its greedy text, token by token, and its last scores. */
  @Test
  void agreesWithATrainedModel() throws IOException {
    Path model = SharedModels.stories260k();
    JsonNode golden = new ObjectMapper().readTree(model.resolve("greedy_reference.json").toFile());
    int[] ids =
        StreamSupport.stream(golden.get("ids").spliterator(), false)
            .mapToInt(JsonNode::asInt)
            .toArray();
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      double[][] logits = ReferenceDecoder.logits(checkpoint, ids);
      for (int t = 5; t < ids.length - 1; t++) { // BOS and "Once upon a time" are given
        assertThat(argmax(logits[t])).as("token after %d", t).isEqualTo(ids[t + 1]);
      }
      JsonNode last = golden.get("last_logits_f64_first16");
      for (int i = 0; i < last.size(); i++) {
        assertThat(logits[ids.length - 1][i]).isCloseTo(last.get(i).asDouble(), within(1e-9));
      }
    }
  }

  record Case(
      String name, String family, Map<String, ?> settings, DType type, List<Double> lastScores) {
    @Override
    public String toString() {
      return name;
    }
  }

  private static final Map<String, Object> YARN =
      Map.of("rope_type", "yarn", "factor", 4.0, "original_max_position_embeddings", 64);
  private static final Map<String, Object> LLAMA3 =
      Map.ofEntries(
          Map.entry("rope_type", "llama3"),
          Map.entry("factor", 8.0),
          Map.entry("low_freq_factor", 1.0),
          Map.entry("high_freq_factor", 4.0),
          Map.entry("original_max_position_embeddings", 64));

  /** Every family and setting that changes the computation. */
  static List<Case> families() {
    return List.of(
        new Case(
            "llama",
            "llama",
            Map.of(),
            DType.F32,
            List.of(
                0.2895367900436544, -0.4896575092288864, -0.7294097496546078, -1.3679078363165862)),
        new Case(
            "llama, tied, biased, F16",
            "llama",
            Map.of("tie_word_embeddings", true, "attention_bias", true, "mlp_bias", true),
            DType.F16,
            List.of(
                -2.6948907224734913, -4.282709190219126, -2.709908897720945, 4.736657263325493)),
        new Case(
            "llama, scaled by Llama 3.1",
            "llama",
            Map.of("rope_scaling", LLAMA3, "head_dim", 24),
            DType.BF16,
            List.of(
                0.46775838645540657, -1.072807995377453, -0.6389546615087752, 1.7133661022446123)),
        new Case(
            "llama, linear",
            "llama",
            Map.of("rope_scaling", Map.of("type", "linear", "factor", 2.0)),
            DType.F32,
            List.of(
                -0.31030272365128325, -1.026048951032354, -0.910495269401862, -1.1731823843919496)),
        new Case(
            "mistral, window 6",
            "mistral",
            Map.of(),
            DType.F32,
            List.of(
                -1.2985363203647486,
                -0.33468629067360495,
                -0.3009667958189038,
                -1.7500526992661318)),
        new Case(
            "qwen2",
            "qwen2",
            Map.of(),
            DType.BF16,
            List.of(
                -0.74733505803598, -1.0674904664432283, -0.8107880896857816, -1.0551546909939047)),
        new Case(
            "qwen2, window from layer 1, yarn",
            "qwen2",
            Map.of(
                "use_sliding_window",
                true,
                "sliding_window",
                5,
                "max_window_layers",
                1,
                "rope_scaling",
                YARN),
            DType.F32,
            List.of(
                -1.0512685339306447, -0.6031181623377037, -0.8902256470588973, -0.821364797773087)),
        new Case(
            "qwen3",
            "qwen3",
            Map.of(),
            DType.BF16,
            List.of(
                -0.5177378205969878,
                -0.26232560938038146,
                -0.23356961444436097,
                0.7372722257721832)),
        new Case(
            "qwen3, biased, tied, yarn",
            "qwen3",
            Map.of("attention_bias", true, "tie_word_embeddings", true, "rope_parameters", YARN),
            DType.F32,
            List.of(
                -0.26125197101551684,
                -7.132033775929644,
                4.3900205609592895,
                0.12334885076966576)));
  }

  /** The scores were computed with PyTorch in float64. */
  @ParameterizedTest
  @MethodSource("families")
  void agreesWithPyTorch(Case expected) throws IOException {
    TinyCheckpoints.write(folder, expected.family(), expected.settings(), expected.type(), 11);
    int[] tokens = IntStream.range(0, 40).map(i -> (7 * i * i + 3 * i + 5) % 96).toArray();
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      checkpoint.verify();
      double[][] logits = ReferenceDecoder.logits(checkpoint, tokens);
      for (int i = 0; i < 4; i++) {
        assertThat(logits[39][i]).isCloseTo(expected.lastScores().get(i), within(1e-9));
      }
    }
  }

  private static int argmax(double[] scores) {
    return IntStream.range(0, scores.length)
        .reduce((a, b) -> scores[b] > scores[a] ? b : a)
        .orElse(-1);
  }
}
