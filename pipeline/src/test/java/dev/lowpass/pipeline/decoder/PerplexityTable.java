package dev.lowpass.pipeline.decoder;

import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Devices;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.EngineOptions;
import dev.lowpass.pipeline.engine.GenerationOptions;
import dev.lowpass.pipeline.evaluation.TokenLosses;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.SharedModels;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * Prints the perplexity table of the module's README. Not one of the tests that run by themselves:
 *
 * <pre>mvn -q -pl pipeline -am test -Dtest=PerplexityTable -Dsurefire.failIfNoSpecifiedTests=false
 * </pre>
 */
class PerplexityTable {
  private static final int DOCUMENTS = 3;
  private static final int TOKENS = 8192;
  private static final int SHORTEST = 256;

  @Test
  void print() throws IOException {
    Path folder = SharedModels.stories260k();
    Map<String, CacheOptions> policies = new LinkedHashMap<>();
    policies.put("full", CacheOptions.FULL);
    policies.put("streaming, R = 126", CacheOptions.of("streaming", 256));
    policies.put(
        "streaming, R = 251",
        CacheOptions.of("streaming", 256).with("retained-ratio", 0).with("recent", 251));
    policies.put("freqkv", CacheOptions.of("freqkv", 256));
    Map<String, List<int[]>> texts = new LinkedHashMap<>();
    texts.put("stories", stories(folder));
    texts.put("Moby Dick", novel(folder));
    try (Checkpoint checkpoint = Checkpoint.open(folder);
        Device device = Devices.open("cpu", 2);
        Decoder decoder = Decoder.load(checkpoint, device, 256, 256)) {
      StringBuilder header = new StringBuilder("| text | cache |");
      for (int length = SHORTEST; length <= TOKENS; length *= 2) {
        header.append(" ").append(length).append(" |");
      }
      System.out.println(header);
      texts.forEach(
          (text, documents) ->
              policies.forEach(
                  (name, options) -> {
                    StringBuilder row = new StringBuilder("| " + text + " | " + name + " |");
                    int window = checkpoint.config().maxPositions();
                    for (double perplexity : perplexities(decoder, options, window, documents)) {
                      row.append(" %.2f |".formatted(perplexity));
                    }
                    System.out.println(row);
                  }));
    }
  }

  /** Of the second half of each length's tokens, over all documents. */
  private static double[] perplexities(
      Decoder decoder, CacheOptions options, int window, List<int[]> documents) {
    List<double[]> losses = new ArrayList<>();
    for (int[] document : documents) {
      losses.add(losses(decoder, options, window, document));
    }
    return IntStream.iterate(SHORTEST, length -> length <= TOKENS, length -> 2 * length)
        .mapToDouble(
            length ->
                Math.exp(
                    losses.stream()
                        .flatMapToDouble(loss -> Arrays.stream(loss, length / 2, length))
                        .average()
                        .orElseThrow()))
        .toArray();
  }

  /** Every token's negative log-likelihood, the first one's 0. */
  private static double[] losses(
      Decoder decoder, CacheOptions options, int window, int[] document) {
    double[] losses = new double[document.length];
    try (Sequence sequence =
        new Sequence(
            decoder,
            SequenceOptions.unscored(options.resolve(window, false).policy(), document.length))) {
      for (int first = 0, rows; first < document.length; first += rows) {
        rows = Math.min(document.length - first, Math.min(decoder.maxRows(), sequence.room()));
        Alone.forward(
            decoder,
            sequence,
            Arrays.copyOfRange(document, first, first + rows),
            IntStream.range(0, rows).toArray());
        for (int i = 0; i < rows && first + i + 1 < document.length; i++) {
          losses[first + i + 1] = TokenLosses.loss(decoder.logits(i), document[first + i + 1]);
        }
      }
    }
    return losses;
  }

  /** One after another, as the model itself tells them at temperature 1. */
  private static List<int[]> stories(Path folder) {
    List<int[]> documents = new ArrayList<>();
    try (Engine engine = Engine.load(new EngineOptions(folder, "cpu", 2, 0))) {
      int[] prompt = {engine.tokenizer().bos().orElseThrow()};
      long seed = 0;
      for (int i = 0; i < DOCUMENTS; i++) {
        List<Integer> tokens = new ArrayList<>();
        while (tokens.size() < TOKENS) {
          tokens.add(prompt[0]);
          tokens.addAll(
              engine
                  .complete(List.of(prompt), new GenerationOptions(511, 1, 1, 0, seed++, List.of()))
                  .completions()
                  .get(0)
                  .tokens());
        }
        documents.add(tokens.stream().limit(TOKENS).mapToInt(Integer::intValue).toArray());
      }
    }
    return documents;
  }

  /** Stretches of the novel, 100,000 tokens apart. */
  private static List<int[]> novel(Path folder) throws IOException {
    Path file = folder.resolve("../../data/moby_dick.txt");
    try (TextTokenizer tokenizer = TextTokenizer.load(folder)) {
      int bos = tokenizer.bos().orElseThrow();
      int[] tokens = tokenizer.encode(Files.readString(file));
      return IntStream.range(0, DOCUMENTS)
          .mapToObj(
              i -> {
                int[] document = Arrays.copyOfRange(tokens, i * 100_000, i * 100_000 + TOKENS);
                document[0] = bos;
                return document;
              })
          .toList();
    }
  }
}
