package dev.lowpass.pipeline.engine;

import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Devices;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.decoder.Decoder;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.ModelConfig;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import dev.lowpass.pipeline.schema.Absence;
import dev.lowpass.pipeline.schema.SchemaConstraint;
import dev.lowpass.pipeline.schema.TokenTrie;
import dev.lowpass.pipeline.schema.Vocabulary;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;

/**
 * A loaded model that completes prompts. Any number of threads may call it, each through a {@link
 * #client} of its own; one thread of the engine's own the device.
 */
public final class Engine implements AutoCloseable {
  /**
   * Rows that one pass can have of one sequence whatever the budget: those of a probe, above all.
   */
  private static final int LEAST_ROWS = 1024;

  /** Compiled schemas that are kept. */
  private static final int MOST_SCHEMAS = 32;

  private final Checkpoint checkpoint;
  private final TextTokenizer tokenizer;
  private final Device device;
  private final Decoder decoder;
  private final Reading.Bounds bounds;
  private final Scheduler scheduler;
  private final Set<Integer> endTokens;
  private final Map<String, SchemaConstraint> constraints = new HashMap<>();

  /** The vocabulary; null until a schema is compiled. */
  private TokenTrie trie;

  private Engine(
      Checkpoint checkpoint,
      TextTokenizer tokenizer,
      Device device,
      Decoder decoder,
      Reading.Bounds bounds,
      Scheduler scheduler,
      Set<Integer> endTokens) {
    this.checkpoint = checkpoint;
    this.tokenizer = tokenizer;
    this.device = device;
    this.decoder = decoder;
    this.bounds = bounds;
    this.scheduler = scheduler;
    this.endTokens = endTokens;
  }

  /**
   * Opens a checkpoint and puts it on a device.
   *
   * @throws dev.lowpass.pipeline.model.ModelException if the folder is not a checkpoint that can be
   *     run, or not with that cache
   */
  public static Engine load(EngineOptions options) {
    List<AutoCloseable> opened = new ArrayList<>();
    // Takes as long as all the rest.
    CompletableFuture<TextTokenizer> loading =
        CompletableFuture.supplyAsync(
            () -> TextTokenizer.load(options.model()),
            task -> new Thread(task, "lowpass-tokenizer-loader").start());
    opened.add(() -> loading.thenAccept(TextTokenizer::close));
    try {
      Checkpoint checkpoint = Checkpoint.open(options.model(), options.weights().cache());
      opened.add(checkpoint);
      checkpoint.verify();
      ModelConfig config = checkpoint.config();
      int window = config.maxPositions();
      CacheOptions cache = options.cache().resolve(window, config.tuned());
      PrefillOptions prefill = options.prefill().resolve(config.layers(), cache);
      Device device = Devices.open(options.device(), options.threads());
      opened.add(device);
      int most = options.slots() == 0 ? EngineOptions.MOST_SLOTS : options.slots();
      int rows = Math.max(options.batchTokens(), LEAST_ROWS) + most;
      Decoder decoder =
          Decoder.load(checkpoint, options.weights(), device, rows, most + 1, cache.deviceType());
      opened.add(decoder);
      int longest = cache.bounded() ? Integer.MAX_VALUE : window;
      int context =
          options.contextTokens() == 0 ? longest : Math.min(longest, options.contextTokens());
      Reading.Bounds bounds = new Reading.Bounds(cache, prefill, window, context, LEAST_ROWS);
      TextTokenizer tokenizer = joined(loading);
      Set<Integer> endTokens = endTokens(checkpoint, tokenizer);
      Writer writer = new Writer(tokenizer, endTokens, context);
      Slots slots = new Slots(decoder, most, device.freeBytes() / 4 * 3);
      Scheduler scheduler =
          new Scheduler(
              decoder, writer, slots, new Heads(decoder, LEAST_ROWS), options.batchTokens());
      scheduler.start();
      return new Engine(checkpoint, tokenizer, device, decoder, bounds, scheduler, endTokens);
    } catch (RuntimeException | Error e) {
      closeAll(opened, e);
      throw e;
    }
  }

  private static <T> T joined(CompletableFuture<T> loading) {
    try {
      return loading.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw (Error) e.getCause();
    }
  }

  private static Set<Integer> endTokens(Checkpoint checkpoint, TextTokenizer tokenizer) {
    Set<Integer> tokens = new TreeSet<>(checkpoint.generationDefaults().eosTokens());
    tokenizer.eos().ifPresent(tokens::add);
    return tokens;
  }

  /**
   * What it runs. The first call hashes the checkpoint, which takes seconds where that is large.
   */
  public ModelInfo model() {
    return new ModelInfo(checkpoint.name(), checkpoint.digest(), checkpoint.config());
  }

  public TextTokenizer tokenizer() {
    return tokenizer;
  }

  /** What it runs on, for logs. */
  public String device() {
    return device.description();
  }

  /** What a sequence's cache keeps, resolved for the model. */
  public CacheOptions cache() {
    return bounds.cache();
  }

  /** How a prompt is read, resolved for the model and the cache. */
  public PrefillOptions prefill() {
    return bounds.prefill();
  }

  /** The longest sequence it takes, prompt and completion together. */
  public int contextTokens() {
    return bounds.contextTokens();
  }

  /**
   * Completes prompts of which nothing is known; their common beginning is read once.
   *
   * @param prompts token ids, at least one a prompt
   */
  public Result complete(List<int[]> prompts, GenerationOptions options) {
    return complete(Request.of(prompts), options);
  }

  /** Completes the prompts of one document. */
  public Result complete(Request request, GenerationOptions options) {
    return complete(request, options, Submission.SILENT);
  }

  /**
   * Completes the prompts of one document, handing over text as it is written. What they share is
   * read once: each branches off its cache.
   *
   * @throws DocumentException if a prompt is longer than the model's window, or the device has no
   *     room for it
   * @throws CancellationException if the calling thread is interrupted
   */
  public Result complete(Request request, GenerationOptions options, Consumer<String> listener) {
    if (Thread.currentThread().isInterrupted()) {
      // A future that is done already would not look at it.
      throw cancelled();
    }
    try (EngineClient client = client()) {
      return client.submit(request, options, Limits.NONE, listener).get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw cancelled();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw (Error) e.getCause();
    }
  }

  /** A window onto the engine for one task: the engine is fair between clients. */
  public EngineClient client() {
    return client(List.of());
  }

  /**
   * The same for documents that begin alike, as they do in a chat template: that is read once for
   * all clients who say so.
   *
   * @param examples prompts that have no more in common than all of the client's have; a document
   *     that begins otherwise is read in full
   */
  public EngineClient client(List<int[]> examples) {
    int[] head =
        examples.isEmpty()
            ? new int[0]
            : Arrays.copyOf(examples.get(0), Request.sharedPrefix(examples));
    return new EngineClient(this, scheduler, head);
  }

  /**
   * Compiles a JSON Schema for answers of this model, once.
   *
   * @param name what to call it in errors
   * @param absence how optional properties say that they have no value
   * @throws dev.lowpass.pipeline.model.ModelException if it is not supported, in one line that
   *     names the schema, the JSON pointer and the keyword
   */
  public synchronized SchemaConstraint constraint(String name, String schema, Absence absence) {
    if (trie == null) {
      trie = new TokenTrie(Vocabulary.of(tokenizer));
    }
    if (constraints.size() == MOST_SCHEMAS) {
      constraints.clear();
    }
    return constraints.computeIfAbsent(
        absence + schema, key -> SchemaConstraint.compile(name, schema, absence, trie, endTokens));
  }

  /** Counts and gauges since it was loaded. */
  public EngineStatus status() {
    return scheduler.status();
  }

  /**
   * How a document will be read.
   *
   * @throws DocumentException if it cannot be
   */
  Reading reading(Request request, GenerationOptions options) {
    if (request.longest() >= contextTokens()) {
      throw new DocumentException(
          DocumentException.TOO_LONG,
          "the prompt has %d tokens, and the window of %d must hold the answer too; split the document, bound the cache (--cache hybrid), or choose a model with a longer window"
              .formatted(request.longest(), contextTokens()));
    }
    if (request.prompts().stream().anyMatch(prompt -> prompt.length == 0)) {
      throw new DocumentException(DocumentException.EMPTY, "the prompt is empty; give it text");
    }
    if (!request.constraints().isEmpty() && !options.stop().isEmpty()) {
      throw new IllegalArgumentException(
          "a stop string could cut an answer that has to satisfy a schema; give none");
    }
    return Reading.of(bounds, request, options.maxNewTokens());
  }

  static CancellationException cancelled() {
    return new CancellationException("the document was cancelled");
  }

  private static void closeAll(List<AutoCloseable> resources, Throwable cause) {
    for (int i = resources.size() - 1; i >= 0; i--) {
      try {
        resources.get(i).close();
      } catch (Exception e) {
        cause.addSuppressed(e);
      }
    }
  }

  @Override
  public void close() {
    scheduler.close();
    decoder.close();
    device.close();
    tokenizer.close();
    checkpoint.close();
  }
}
