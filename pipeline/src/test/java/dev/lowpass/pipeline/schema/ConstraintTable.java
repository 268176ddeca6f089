package dev.lowpass.pipeline.schema;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lowpass.kernels.DType;
import dev.lowpass.pipeline.engine.Completion;
import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.EngineOptions;
import dev.lowpass.pipeline.engine.GenerationOptions;
import dev.lowpass.pipeline.engine.Request;
import dev.lowpass.pipeline.engine.Result;
import dev.lowpass.pipeline.model.TinyCheckpoints;
import dev.lowpass.pipeline.text.Shared;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What constrained decoding costs, and what forced spans save, at the size of SmolLM2-135M with
 * random weights and a vocabulary of 49,152 tokens. Not a test; needs {@code ../shared} and two
 * minutes:
 *
 * <pre>
 * mvn -q -pl pipeline -am test -Dtest=ConstraintTable -Dsurefire.failIfNoSpecifiedTests=false
 * </pre>
 */
class ConstraintTable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int VOCABULARY = 49_152;
  private static final int RUNS = 5;

  private static final String CONTRACT =
      """
      {"type": "object",
       "properties": {
         "contract_type": {"enum": ["lease", "services", "supply", "license"]},
         "client_name": {"type": "string", "maxLength": 24},
         "provider_name": {"type": "string", "maxLength": 24},
         "effective_date": {"type": "string", "format": "date"},
         "term_months": {"type": "integer", "minimum": 1, "maximum": 240},
         "renews_automatically": {"type": "boolean"},
         "monthly_fee": {"type": "number", "minimum": 0, "maximum": 1000000, "multipleOf": 0.01},
         "currency": {"enum": ["USD", "EUR", "GBP"]},
         "governing_law": {"type": "string", "pattern": "^[A-Z][a-z]{3,14}$"},
         "notice_days": {"type": "integer", "minimum": 0, "maximum": 365}},
       "required": ["contract_type", "client_name", "provider_name", "effective_date",
                    "term_months", "renews_automatically", "monthly_fee", "currency",
                    "governing_law", "notice_days"]}
      """;

  /** What each kind of answer is held against, run by run. */
  private static final Map<String, String> AGAINST =
      Map.of(
          "64 tokens, free, with probabilities", "64 tokens, free",
          "64 tokens of a string", "64 tokens, free",
          "64 tokens of a string, sampled", "64 tokens, free, sampled",
          "10 fields under their schema", "10 fields as free text");

  private static final String TEXT = "{\"type\": \"string\", \"maxLength\": 2000}";

  @Test
  void print(@TempDir Path folder) throws IOException {
    writeTokenizer(folder);
    maskTimes(folder);
    TinyCheckpoints.write(
        folder,
        "llama",
        Map.of(
            "hidden_size", 576,
            "intermediate_size", 1536,
            "num_hidden_layers", 30,
            "num_attention_heads", 9,
            "num_key_value_heads", 3,
            "vocab_size", VOCABULARY,
            "max_position_embeddings", 2048,
            "tie_word_embeddings", true),
        DType.BF16,
        1);
    try (Engine engine = Engine.load(new EngineOptions(folder, "cpu", 0, 0))) {
      decodeTimes(engine);
    }
  }

  /** The first of Qwen2's tokens: those that a smaller vocabulary of the same kind would have. */
  private static void writeTokenizer(Path folder) throws IOException {
    Path source = Shared.require("tokenizers/qwen2");
    ObjectNode root = (ObjectNode) JSON.readTree(source.resolve("tokenizer.json").toFile());
    ObjectNode model = (ObjectNode) root.get("model");
    ObjectNode vocabulary = (ObjectNode) model.get("vocab");
    vocabulary.properties().removeIf(token -> token.getValue().asInt() >= VOCABULARY - 1);
    for (Iterator<JsonNode> merges = model.get("merges").elements(); merges.hasNext(); ) {
      JsonNode merge = merges.next();
      if (!vocabulary.has(merge.asText().replaceFirst(" ", ""))) {
        merges.remove();
      }
    }
    root.putArray("added_tokens")
        .addObject()
        .put("id", VOCABULARY - 1)
        .put("content", "<|endoftext|>")
        .put("single_word", false)
        .put("lstrip", false)
        .put("rstrip", false)
        .put("normalized", false)
        .put("special", true);
    Files.writeString(folder.resolve("tokenizer.json"), root.toString());
    Files.writeString(
        folder.resolve("tokenizer_config.json"), "{\"eos_token\": \"<|endoftext|>\"}");
  }

  private static void maskTimes(Path folder) {
    try (TextTokenizer tokenizer = TextTokenizer.load(folder)) {
      long start = System.nanoTime();
      TokenTrie trie = new TokenTrie(Vocabulary.of(tokenizer));
      System.out.printf("trie of %d tokens: %.0f ms%n", VOCABULARY, millis(start));
      int[] tokens = tokenizer.encode("\"" + "The term of the lease is twelve months. ".repeat(8));
      float[] logits = new float[VOCABULARY];
      Random random = new Random(1);
      for (int i = 0; i < logits.length; i++) {
        logits[i] = random.nextFloat();
      }
      for (String schema : List.of(TEXT, "{\"type\": \"string\"}")) {
        List<Double> compiled = new ArrayList<>();
        List<Double> firstMasks = new ArrayList<>();
        List<Double> masks = new ArrayList<>();
        List<Double> choices = new ArrayList<>();
        for (int run = 0; run < RUNS; run++) {
          start = System.nanoTime();
          SchemaConstraint constraint =
              SchemaConstraint.compile(
                  "table", schema, Absence.LEFT_OUT, trie, Set.of(VOCABULARY - 1));
          compiled.add(millis(start));
          for (List<Double> times : List.of(firstMasks, masks)) {
            TokenConstraint progress = constraint.start();
            for (int token : tokens) {
              start = System.nanoTime();
              progress.mask(logits.clone());
              times.add(millis(start));
              progress.accept(token);
            }
          }
          TokenConstraint progress = constraint.start();
          for (int token : tokens) {
            start = System.nanoTime();
            progress.forced();
            progress.allows(token);
            progress.accept(token);
            choices.add(millis(start));
          }
        }
        System.out.printf(
            "%s: compiled %.1f ms; a step's mask at first %.2f ms, then %.3f ms; the model's choice"
                + " allowed %.4f ms%n",
            schema, median(compiled), median(firstMasks), median(masks), median(choices));
      }
    }
  }

  private static void decodeTimes(Engine engine) {
    int[] prompt = engine.tokenizer().encode("The parties agree as follows. ".repeat(20));
    Request free = Request.of(List.of(prompt));
    Request text = free.constrained(List.of(engine.constraint("text", TEXT, Absence.LEFT_OUT)));
    Request contract =
        free.constrained(List.of(engine.constraint("contract", CONTRACT, Absence.LEFT_OUT)));
    GenerationOptions options = GenerationOptions.greedy(400);
    Completion object = engine.complete(contract, options).completions().get(0);
    int tokens = engine.tokenizer().encode(object.text()).length;
    System.out.println(object.text());
    GenerationOptions some = GenerationOptions.exactly(64);
    GenerationOptions warm = new GenerationOptions(64, 1, 0.95f, 40, 1, List.of()).withPastEnd();
    Map<String, Supplier<Result>> kinds = new LinkedHashMap<>();
    kinds.put("64 tokens, free", () -> engine.complete(free, some));
    kinds.put(
        "64 tokens, free, with probabilities",
        () -> engine.complete(free, some.withProbabilities()));
    kinds.put("64 tokens of a string", () -> engine.complete(text, some));
    kinds.put("64 tokens, free, sampled", () -> engine.complete(free, warm));
    kinds.put("64 tokens of a string, sampled", () -> engine.complete(text, warm));
    kinds.put(
        "10 fields as free text", () -> engine.complete(free, GenerationOptions.exactly(tokens)));
    kinds.put("10 fields under their schema", () -> engine.complete(contract, options));
    Map<String, List<Double>> times = new LinkedHashMap<>();
    for (int run = 0; run <= RUNS; run++) {
      for (var kind : kinds.entrySet()) {
        long passes = engine.status().passes();
        Result result = kind.getValue().get();
        if (run > 0) {
          times
              .computeIfAbsent(kind.getKey(), k -> new ArrayList<>())
              .add(result.stats().decodeMs());
        } else {
          System.out.printf(
              "%s: %d tokens, %d passes%n",
              kind.getKey(), result.outputTokens(), engine.status().passes() - passes);
        }
      }
    }
    times.forEach((kind, all) -> System.out.printf("%s: %.0f ms %s%n", kind, median(all), all));
    AGAINST.forEach(
        (kind, other) -> {
          List<Double> ratios = new ArrayList<>();
          for (int run = 0; run < RUNS; run++) {
            ratios.add(times.get(kind).get(run) / times.get(other).get(run));
          }
          System.out.printf("%s / %s: %.3f%n", kind, other, median(ratios));
        });
  }

  private static double millis(long start) {
    return (System.nanoTime() - start) / 1e6;
  }

  private static double median(List<Double> times) {
    double[] sorted = times.stream().mapToDouble(time -> time).sorted().toArray();
    return sorted[sorted.length / 2];
  }
}
