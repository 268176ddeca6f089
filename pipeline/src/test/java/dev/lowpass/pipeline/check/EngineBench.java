package dev.lowpass.pipeline.check;

import dev.lowpass.kernels.KernelBench.Figure;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.EngineClient;
import dev.lowpass.pipeline.engine.EngineOptions;
import dev.lowpass.pipeline.engine.GenerationOptions;
import dev.lowpass.pipeline.engine.Limits;
import dev.lowpass.pipeline.engine.Request;
import dev.lowpass.pipeline.engine.Result;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/** How fast a whole model reads and writes on a device: one document, and many at once. */
final class EngineBench {
  private final Path model;
  private final String device;
  private final Shape shape;
  private final Random random = new Random(1);
  private final List<Figure> figures = new ArrayList<>();

  private EngineBench(Path model, String device, Shape shape) {
    this.model = model;
    this.device = device;
    this.shape = shape;
  }

  /**
   * Measures a model of that shape: every prompt in full, the longest by FastKV, and a batch of the
   * shortest with bounded caches.
   */
  static List<Figure> run(Path model, String device, Shape shape) {
    EngineBench bench = new EngineBench(model, device, shape);
    bench.measure("full", shape.prompts());
    bench.measure(
        "fastkv", shape.prompts().subList(shape.prompts().size() - 1, shape.prompts().size()));
    bench.measureBatch();
    return List.copyOf(bench.figures);
  }

  private void measure(String policy, List<Integer> prompts) {
    EngineOptions options =
        new EngineOptions(model, device, 0, 0, CacheOptions.FULL, PrefillOptions.of(policy));
    try (Engine engine = Engine.load(options)) {
      // The device loads its kernels, and takes its memory, when they are first asked for.
      complete(engine, prompt(engine, prompts.get(0)), 2);
      for (int tokens : prompts) {
        Result result = complete(engine, prompt(engine, tokens), shape.newTokens());
        double prefill = result.stats().prefillMs() / 1e3;
        double decode = result.stats().decodeMs() / 1e3;
        String what = String.format("%s, %s prefill, %d tokens: ", shape.name(), policy, tokens);
        figures.add(new Figure(what + "prefill", tokens / prefill, "tokens/s", Double.NaN));
        // The first token came of the prompt.
        double decoded = (shape.newTokens() - 1) / decode;
        figures.add(new Figure(what + "decode", decoded, "tokens/s", Double.NaN));
      }
    }
  }

  private void measureBatch() {
    int batch = shape.batch();
    int tokens = shape.prompts().get(0);
    EngineOptions options =
        new EngineOptions(
            model,
            device,
            0,
            0,
            CacheOptions.of("freqkv", shape.entries()),
            PrefillOptions.FULL,
            batch,
            EngineOptions.DEFAULT_BATCH_TOKENS);
    try (Engine engine = Engine.load(options)) {
      List<int[]> prompts = new ArrayList<>();
      for (int i = 0; i < batch; i++) {
        prompts.add(prompt(engine, tokens));
      }
      complete(engine, prompts.get(0), 2);
      double minutes = seconds(engine, prompts, shape.newTokens()) / 60;
      String what =
          String.format(
              "%s, %d documents of %d tokens, freqkv cache of %d",
              shape.name(), batch, tokens, shape.entries());
      figures.add(new Figure(what, batch / minutes, "documents/min", Double.NaN));
    }
  }

  private int[] prompt(Engine engine, int tokens) {
    return random.ints(tokens, 10, engine.tokenizer().vocabularySize()).toArray();
  }

  private static Result complete(Engine engine, int[] prompt, int newTokens) {
    return engine.complete(Request.of(List.of(prompt)), GenerationOptions.exactly(newTokens));
  }

  /** What documents take at once. */
  private static double seconds(Engine engine, List<int[]> prompts, int newTokens) {
    long start = System.nanoTime();
    try (EngineClient client = engine.client()) {
      List<CompletableFuture<Result>> results = new ArrayList<>();
      for (int[] prompt : prompts) {
        results.add(
            client.submit(
                Request.of(List.of(prompt)), GenerationOptions.exactly(newTokens), Limits.NONE));
      }
      results.forEach(CompletableFuture::join);
    }
    return (System.nanoTime() - start) / 1e9;
  }
}
