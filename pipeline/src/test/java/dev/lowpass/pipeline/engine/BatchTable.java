package dev.lowpass.pipeline.engine;

import dev.lowpass.kernels.DType;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.model.TinyCheckpoints;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Prints the table of the module's README that shows what batching gains: short documents, one
 * after another and many at once, on random weights of SmolLM2-135M's shape. Not one of the tests
 * that run by themselves:
 *
 * <pre>mvn -q -pl pipeline -am test -Dtest=BatchTable -Dsurefire.failIfNoSpecifiedTests=false
 * </pre>
 */
class BatchTable {
  private static final int PROMPT = 32;
  private static final int ANSWER = 32;
  private static final int ROUNDS = 3;

  @TempDir Path folder;

  @Test
  void print() throws Exception {
    System.out.println("| weights | at once | tokens/s | to one at a time | decoding alone |");
    System.out.println("|---|---|---|---|---|");
    for (DType type : new DType[] {DType.F32, DType.BF16}) {
      Path model = write(type);
      Map<Integer, List<double[]>> speeds = new HashMap<>();
      int[] sizes = {1, 4, 8, 16};
      try (Engine engine =
          Engine.load(
              new EngineOptions(
                  model, "cpu", 0, 0, CacheOptions.FULL, PrefillOptions.FULL, 16, 1024))) {
        for (int round = 0; round <= ROUNDS; round++) {
          for (int size : sizes) {
            double[] speed = measure(engine, size);
            if (round > 0) {
              speeds.computeIfAbsent(size, s -> new ArrayList<>()).add(speed);
            }
          }
        }
      }
      for (int size : sizes) {
        System.out.printf(
            "| %s | %d | %.1f | %.2fx | %.1f (%.2fx) |%n",
            type,
            size,
            median(speeds.get(size), 0),
            median(speeds.get(size), 0) / median(speeds.get(1), 0),
            median(speeds.get(size), 1),
            median(speeds.get(size), 1) / median(speeds.get(1), 1));
      }
    }
  }

  /** Tokens written a second, of all the time and of that of the answers' passes. */
  private static double[] measure(Engine engine, int size) throws Exception {
    EngineStatus before = engine.status();
    try (EngineClient client = engine.client()) {
      List<CompletableFuture<Result>> results = new ArrayList<>();
      for (int i = 0; i < size; i++) {
        int[] prompt = new Random(i).ints(PROMPT, 3, 5000).toArray();
        results.add(
            client.submit(
                Request.of(List.of(prompt)), GenerationOptions.exactly(ANSWER), Limits.NONE));
      }
      for (CompletableFuture<Result> result : results) {
        result.get();
      }
    }
    EngineStatus after = engine.status();
    double tokens = after.outputTokens() - before.outputTokens();
    return new double[] {
      tokens * 1e9 / (after.busyNanos() - before.busyNanos()),
      (tokens - size) * 1e9 / (after.decodeNanos() - before.decodeNanos())
    };
  }

  private static double median(List<double[]> speeds, int figure) {
    return speeds.stream().mapToDouble(s -> s[figure]).sorted().toArray()[speeds.size() / 2];
  }

  private Path write(DType type) throws IOException {
    Path model = folder.resolve(type.name());
    TinyCheckpoints.write(
        model,
        "llama",
        Map.of(
            "hidden_size", 576,
            "intermediate_size", 1536,
            "num_hidden_layers", 30,
            "num_attention_heads", 9,
            "num_key_value_heads", 3,
            "vocab_size", 49152,
            "max_position_embeddings", 8192,
            "tie_word_embeddings", true),
        type,
        1);
    for (String file : new String[] {"tokenizer.json", "tokenizer_config.json"}) {
      Files.copy(Path.of("../sample-data/model").resolve(file), model.resolve(file));
    }
    return model;
  }
}
