package dev.lowpass.pipeline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lowpass.pipeline.decoder.ReferenceDecoder;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.schema.Absence;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How likely tokens were, against the float64 decoder written from the papers. */
class ProbabilitiesTest {
  private static final int[] PROMPT = {17, 300, 41, 999, 5, 77, 2048, 310};

  @TempDir Path folder;

  private Engine engine(String device) throws Exception {
    TinyModel.write(folder);
    return Engine.load(new EngineOptions(folder, device, 2, 0));
  }

  private static Completion complete(Engine engine, Request request, GenerationOptions options) {
    return engine.complete(request, options).completions().get(0);
  }

  /** The reference's softmax of each of the tokens that follow the prompt. */
  private double[] expected(List<Integer> tokens) throws Exception {
    int[] all =
        IntStream.concat(Arrays.stream(PROMPT), tokens.stream().mapToInt(id -> id)).toArray();
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      double[][] logits = ReferenceDecoder.logits(checkpoint, all);
      return IntStream.range(0, tokens.size())
          .mapToDouble(
              i -> {
                double[] row = logits[PROMPT.length - 1 + i];
                double chosen = row[tokens.get(i)];
                return 1 / Arrays.stream(row).map(logit -> Math.exp(logit - chosen)).sum();
              })
          .toArray();
    }
  }

  @ParameterizedTest
  @CsvSource({"cpu, 0", "cpu, 0.7", "emulated, 0.7"})
  void theyAreTheModelsOwnBeforeTemperature(String device, float temperature) throws Exception {
    GenerationOptions options =
        new GenerationOptions(6, temperature, 0.9f, 0, 3, List.of()).withProbabilities();
    Completion completion;
    try (Engine engine = engine(device)) {
      completion = complete(engine, Request.of(List.of(PROMPT)), options);
    }
    double[] expected = expected(completion.tokens());
    assertThat(completion.probabilities()).hasSameSizeAs(completion.tokens());
    for (int i = 0; i < expected.length; i++) {
      assertThat(completion.probabilities().get(i).probability())
          .isCloseTo(expected[i], within(1e-3 * expected[i]));
    }
    assertThat(completion.confidence())
        .isCloseTo(Arrays.stream(expected).average().orElseThrow(), within(1e-6));
  }

  @Test
  void underASchemaTheyAreStillOfTheWholeVocabulary() throws Exception {
    String schema =
        """
        {"type": "object", "required": ["is it", "why"], "properties": {
          "is it": {"type": "boolean"},
          "why": {"enum": ["because it is so", "for no reason"]}}}
        """;
    Completion completion;
    try (Engine engine = engine("cpu")) {
      Request request =
          Request.of(List.of(PROMPT))
              .constrained(List.of(engine.constraint("test", schema, Absence.LEFT_OUT)));
      completion = complete(engine, request, GenerationOptions.greedy(60).withProbabilities());
      assertThat(complete(engine, request, GenerationOptions.greedy(60)))
          .isEqualTo(
              new Completion(
                  completion.text(), completion.tokens(), FinishReason.SCHEMA, List.of()));
    }
    double[] expected = expected(completion.tokens());
    // Which tokens the model was asked for shows in the text: those of which several could come.
    assertThat(completion.probabilities()).isNotEmpty();
    assertThat(completion.probabilities().size()).isLessThan(completion.tokens().size());
    for (TokenProbability token : completion.probabilities()) {
      assertThat(Arrays.stream(expected))
          .anySatisfy(
              value -> assertThat(token.probability()).isCloseTo(value, within(1e-3 * value)));
    }
    String text = completion.text();
    int choice = text.indexOf(':') + 1;
    TokenProbability first = completion.probabilities().get(0);
    assertThat(first.begin()).isEqualTo(choice);
    assertThat(text.substring(choice)).startsWith(text.substring(first.begin(), first.end()));
    assertThat(completion.confidence(choice, text.indexOf(',')))
        .isLessThanOrEqualTo(1)
        .isPositive();
    // Of a name, which is forced.
    assertThat(completion.confidence(1, choice - 1)).isEqualTo(1);
  }

  @Test
  void aTokenOfHalfACharacterEndsWhereThatDoes() throws Exception {
    Completion completion;
    try (Engine engine = engine("cpu")) {
      String schema = "{\"type\":\"string\",\"pattern\":\"^[\u4e00-\u9fff]{3}$\"}";
      Request request =
          Request.of(List.of(PROMPT))
              .constrained(List.of(engine.constraint("test", schema, Absence.LEFT_OUT)));
      completion = complete(engine, request, GenerationOptions.greedy(60).withProbabilities());
    }
    assertThat(completion.text()).hasSize(5);
    int end = 0;
    for (TokenProbability token : completion.probabilities()) {
      assertThat(token.begin()).isLessThanOrEqualTo(token.end());
      assertThat(token.end()).isGreaterThanOrEqualTo(end);
      assertThat(token.begin()).isLessThan(5);
      assertThat(token.end()).isGreaterThan(token.begin());
      end = token.end();
    }
    // Its quotation mark at the end is forced.
    assertThat(end).isEqualTo(4);
  }
}
