package dev.lowpass.pipeline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import dev.lowpass.pipeline.schema.Absence;
import dev.lowpass.pipeline.schema.SchemaConstraint;
import dev.lowpass.pipeline.text.Message;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers that have to satisfy a schema, by the bundled model and by random weights. */
class SchemaEngineTest {
  private static final Path BUNDLED = Path.of("../sample-data/model");

  private static final String CONTRACT =
      """
      {"type": "object",
       "properties": {
         "client": {"type": "string", "maxLength": 30},
         "signed": {"type": "string", "format": "date"},
         "months": {"type": "integer", "minimum": 1, "maximum": 120},
         "terms": {"enum": ["net 30", "net 45", null]},
         "parties": {"type": "array", "items": {"type": "string", "pattern": "^[A-Z][a-z ]{1,20}$"},
                     "minItems": 1, "maxItems": 3}},
       "required": ["client", "signed", "months", "terms", "parties"],
       "additionalProperties": false}
      """;

  private static int[] prompt(Engine engine, String text) {
    return engine.tokenizer().encodeChat(List.of(new Message("user", text)));
  }

  private static void assertIsInstance(String text, String schema) throws Exception {
    ObjectMapper json = new ObjectMapper();
    JsonNode value = json.readTree(text);
    assertThat(
            SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(json.readTree(schema))
                .validate(
                    value,
                    execution ->
                        execution.executionConfig(config -> config.formatAssertionsEnabled(true))))
        .as(text)
        .isEmpty();
  }

  @ParameterizedTest
  @ValueSource(floats = {0, 1.3f})
  void theBundledModelWritesAnInstance(float temperature) throws Exception {
    try (Engine engine = Engine.load(new EngineOptions(BUNDLED, "cpu", 2, 0))) {
      SchemaConstraint schema = engine.constraint("contract", CONTRACT, Absence.LEFT_OUT);
      assertThat(engine.constraint("contract", CONTRACT, Absence.LEFT_OUT)).isSameAs(schema);
      int[] prompt =
          prompt(engine, "Harbor Freight Lines and Summit Dairy agree for twelve months.");
      GenerationOptions options = new GenerationOptions(300, temperature, 0.95f, 40, 7, List.of());
      StringBuilder heard = new StringBuilder();
      Request request = Request.of(List.of(prompt)).constrained(List.of(schema));
      Completion completion = engine.complete(request, options, heard::append).completions().get(0);
      assertThat(completion.finishReason()).isEqualTo(FinishReason.SCHEMA);
      assertIsInstance(completion.text(), CONTRACT);
      assertThat(heard.toString()).isEqualTo(completion.text());
    }
  }

  @Test
  void whatIsForcedTakesNoPassOfItsOwn() {
    try (Engine engine = Engine.load(new EngineOptions(BUNDLED, "cpu", 2, 0))) {
      String schema =
          "{\"type\":\"object\",\"properties\":{\"a rather long name\":{\"type\":\"boolean\"},"
              + "\"another one of that sort\":{\"type\":\"boolean\"}},"
              + "\"required\":[\"a rather long name\",\"another one of that sort\"]}";
      Request free = Request.of(List.of(prompt(engine, "Is it?")));
      Request request =
          free.constrained(List.of(engine.constraint("test", schema, Absence.LEFT_OUT)));
      Completion completion =
          engine.complete(request, GenerationOptions.greedy(100)).completions().get(0);
      assertThat(completion.tokens()).hasSizeGreaterThan(12);
      assertThat(engine.status().passes()).isLessThan(8);
    }
  }

  @Test
  void anAnswerThatIsCutShortSaysSo() {
    try (Engine engine = Engine.load(new EngineOptions(BUNDLED, "cpu", 2, 0))) {
      Request request =
          Request.of(List.of(prompt(engine, "Who?")))
              .constrained(List.of(engine.constraint("contract", CONTRACT, Absence.LEFT_OUT)));
      for (int limit : new int[] {1, 3, 9}) {
        Completion cut =
            engine.complete(request, GenerationOptions.greedy(limit)).completions().get(0);
        assertThat(cut.tokens()).hasSize(limit);
        assertThat(cut.finishReason()).isEqualTo(FinishReason.LENGTH);
      }
      GenerationOptions stops = new GenerationOptions(9, 0, 1, 0, 0, List.of("}"));
      assertThatThrownBy(() -> engine.complete(request, stops))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"full", "hybrid"})
  void randomWeightsWriteInstancesInAnyCompany(String cache, @TempDir Path folder)
      throws Exception {
    TinyModel.write(folder);
    List<Completion> alone = new ArrayList<>();
    try (Engine engine = engine(folder, cache, 1)) {
      for (Request request : requests(engine)) {
        alone.addAll(engine.complete(request, options()).completions());
      }
    }
    assertThat(alone).anyMatch(completion -> completion.finishReason() == FinishReason.SCHEMA);
    for (Completion completion : alone) {
      if (completion.finishReason() == FinishReason.SCHEMA) {
        assertIsInstance(completion.text(), CONTRACT);
      }
    }
    try (Engine engine = engine(folder, cache, 8);
        EngineClient client = engine.client()) {
      List<CompletableFuture<Result>> results = new ArrayList<>();
      for (Request request : requests(engine)) {
        results.add(client.submit(request, options(), Limits.NONE));
      }
      List<Completion> together = new ArrayList<>();
      for (CompletableFuture<Result> result : results) {
        together.addAll(result.get().completions());
      }
      assertThat(together).isEqualTo(alone);
    }
  }

  private static GenerationOptions options() {
    return new GenerationOptions(90, 1, 1, 0, 3, List.of());
  }

  private static Engine engine(Path folder, String cache, int slots) {
    return Engine.load(
        new EngineOptions(
            folder,
            "cpu",
            2,
            0,
            CacheOptions.of(cache, cache.equals("full") ? 0 : 64),
            PrefillOptions.FULL,
            slots,
            EngineOptions.DEFAULT_BATCH_TOKENS));
  }

  /** Documents with two questions each. */
  private static List<Request> requests(Engine engine) {
    Random random = new Random(4);
    SchemaConstraint schema = engine.constraint("contract", CONTRACT, Absence.LEFT_OUT);
    List<Request> requests = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      int[] first = random.ints(20 + random.nextInt(60), 3, 400).toArray();
      int[] second = first.clone();
      second[second.length - 1]++;
      requests.add(Request.of(List.of(first, second)).constrained(List.of(schema, schema)));
    }
    return requests;
  }
}
