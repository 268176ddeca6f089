package dev.lowpass.pipeline.check;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.engine.Completion;
import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.EngineOptions;
import dev.lowpass.pipeline.engine.GenerationOptions;
import dev.lowpass.pipeline.engine.Request;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import dev.lowpass.pipeline.text.ExtractionField;
import dev.lowpass.pipeline.text.ExtractionSchema;
import dev.lowpass.pipeline.text.Prompts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What the bundled model answers to questions about a contract, token by token. */
public final class Answers {
  private static final int QUESTIONS = 4;
  private static final int TOKENS = 16;

  private Answers() {}

  /**
   * A way to read and to remember.
   *
   * @param cache how a sequence's cache is kept, of {@code cacheTokens} entries; 0 where it is full
   * @param prefill how a prompt is read
   */
  public record Policy(String cache, int cacheTokens, String prefill) {
    @Override
    public String toString() {
      String entries = cacheTokens == 0 ? "" : " of " + cacheTokens;
      return cache + " cache" + entries + ", " + prefill + " prefill";
    }
  }

  /**
   * Answers greedily.
   *
   * @param samples the folder {@code sample-data}
   */
  public static List<List<Integer>> of(Path samples, String device, Policy policy)
      throws IOException {
    String contract = Files.readString(samples.resolve("contracts/contract-001.txt"));
    String schema = Files.readString(samples.resolve("contracts.schema.json"));
    List<ExtractionField> fields = ExtractionSchema.parse("contracts", schema).fields();
    EngineOptions options =
        new EngineOptions(
            samples.resolve("model"),
            device,
            1,
            0,
            CacheOptions.of(policy.cache(), policy.cacheTokens()),
            PrefillOptions.of(policy.prefill()));
    try (Engine engine = Engine.load(options)) {
      List<int[]> prompts = new ArrayList<>();
      for (ExtractionField field : fields.subList(0, QUESTIONS)) {
        prompts.add(engine.tokenizer().encodeChat(Prompts.extract(contract, field)));
      }
      return engine
          .complete(Request.of(prompts), GenerationOptions.greedy(TOKENS))
          .completions()
          .stream()
          .map(Completion::tokens)
          .toList();
    }
  }
}
