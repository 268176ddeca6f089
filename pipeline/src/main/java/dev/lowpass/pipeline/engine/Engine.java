package dev.lowpass.pipeline.engine;

import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Devices;
import dev.lowpass.kernels.Energy;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.decoder.Decoder;
import dev.lowpass.pipeline.decoder.Sampler;
import dev.lowpass.pipeline.decoder.Sequence;
import dev.lowpass.pipeline.decoder.SequenceOptions;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.ModelConfig;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import dev.lowpass.pipeline.text.StreamDecoder;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;

/**
 * A loaded model that completes prompts. Any number of threads may call it, each through a {@link
 * #client} of its own; one thread of the engine's own the device.
 */
public final class Engine implements AutoCloseable {
  /** Tokens that go through the decoder in one pass, questions that observe them included. */
  private static final int PASS_ROWS = 1024;

  private final Checkpoint checkpoint;
  private final TextTokenizer tokenizer;
  private final Device device;
  private final Decoder decoder;
  private final Set<Integer> endTokens;
  private final Reading.Bounds bounds;
  private final Scheduler scheduler;

  private Engine(
      Checkpoint checkpoint,
      TextTokenizer tokenizer,
      Device device,
      Decoder decoder,
      Reading.Bounds bounds,
      int slots) {
    this.checkpoint = checkpoint;
    this.tokenizer = tokenizer;
    this.device = device;
    this.decoder = decoder;
    this.bounds = bounds;
    this.scheduler = new Scheduler(slots, this::turn);
    this.endTokens = new TreeSet<>(checkpoint.generationDefaults().eosTokens());
    tokenizer.eos().ifPresent(endTokens::add);
  }

  /**
   * Opens a checkpoint and puts it on a device.
   *
   * @throws dev.lowpass.pipeline.model.ModelException if the folder is not a checkpoint that can be
   *     run, or not with that cache
   */
  public static Engine load(EngineOptions options) {
    List<AutoCloseable> opened = new ArrayList<>();
    try {
      Checkpoint checkpoint = Checkpoint.open(options.model());
      opened.add(checkpoint);
      checkpoint.verify();
      ModelConfig config = checkpoint.config();
      int window = config.maxPositions();
      CacheOptions cache = options.cache().resolve(window, config.tuned());
      PrefillOptions prefill = options.prefill().resolve(config.layers(), cache);
      TextTokenizer tokenizer = TextTokenizer.load(options.model());
      opened.add(tokenizer);
      Device device = Devices.open(options.device(), options.threads());
      opened.add(device);
      Decoder decoder = Decoder.load(checkpoint, device, PASS_ROWS, 1);
      int longest = cache.bounded() ? Integer.MAX_VALUE : window;
      int context =
          options.contextTokens() == 0 ? longest : Math.min(longest, options.contextTokens());
      Reading.Bounds bounds = new Reading.Bounds(cache, prefill, window, context, PASS_ROWS);
      int slots = options.slots() == 0 ? EngineOptions.MOST_SLOTS : options.slots();
      Engine engine = new Engine(checkpoint, tokenizer, device, decoder, bounds, slots);
      engine.scheduler.start();
      return engine;
    } catch (RuntimeException | Error e) {
      closeAll(opened, e);
      throw e;
    }
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
    return complete(request, options, text -> {});
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
    return new EngineClient(this, scheduler);
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
    return Reading.of(bounds, request, options.maxNewTokens());
  }

  private Result turn(Submission submission) {
    try (Turn document = new Turn(submission)) {
      return document.run(System.nanoTime() - submission.submitted());
    }
  }

  /** One document's turn on the device. */
  private final class Turn implements AutoCloseable {
    private final Submission submission;
    private final Reading reading;
    private final List<int[]> prompts;
    private final int shared;
    private final GenerationOptions options;
    private final Consumer<String> listener;

    /** The document's cache. */
    private final Sequence trunk;

    /** Where a prompt goes on: the trunk itself, or a copy of it if that would be damaged. */
    private final Sequence branch;

    private long prefillNanos;
    private long decodeNanos;
    private long promptTokens;
    private long keptTokens;

    Turn(Submission submission) {
      this.submission = submission;
      this.reading = submission.reading();
      this.prompts = reading.request().prompts();
      this.shared = reading.request().shared();
      this.options = submission.options();
      this.listener = submission.listener();
      this.trunk = newSequence();
      try {
        this.branch = reading.copies() ? newSequence() : trunk;
      } catch (DocumentException e) {
        trunk.close();
        throw e;
      }
    }

    private Sequence newSequence() {
      SequenceOptions sequence = reading.sequence();
      try {
        return new Sequence(decoder, sequence, () -> scheduler.check(submission));
      } catch (OutOfMemoryError e) {
        throw new DocumentException(
            DocumentException.OUT_OF_MEMORY,
            "no memory for a KV cache of %d tokens (%s); give the executor more memory, bound the cache (--cache hybrid, --cache-tokens), or shorten the document"
                .formatted(
                    Math.min(sequence.tokens(), sequence.policy().cacheTokens()), e.getMessage()));
      }
    }

    Result run(long queueNanos) {
      List<Completion> completions = new ArrayList<>();
      long outputTokens = 0;
      Sequence.Mark document = null;
      for (int i = 0; i < prompts.size(); i++) {
        int[] prompt = prompts.get(i);
        long start = System.nanoTime();
        if (i == 0 || reading.each()) {
          trunk.clear();
          readDocument(prompt, reading.probe(i));
          document = trunk.mark();
        }
        if (branch != trunk) {
          branch.branchOff(trunk);
        } else {
          trunk.reset(document);
        }
        readRest(prompt);
        prefillNanos += System.nanoTime() - start;
        keptTokens = Math.max(keptTokens, branch.length());
        Completion completion = decode(prompt, i);
        completions.add(completion);
        outputTokens += completion.tokens().size();
      }
      return new Result(List.copyOf(completions), promptTokens, outputTokens, stats(queueNanos));
    }

    private Stats stats(long queueNanos) {
      List<Double> energy = new ArrayList<>();
      for (int layer = 0; layer < decoder.config().layers(); layer++) {
        Energy of = branch.energy(layer);
        energy.add((of.keptKeys() + of.keptValues()) / (of.keys() + of.values()));
      }
      boolean copies = branch != trunk;
      return new Stats(
          queueNanos / 1e6,
          prefillNanos / 1e6,
          decodeNanos / 1e6,
          trunk.bytes() + (copies ? branch.bytes() : 0),
          keptTokens,
          trunk.compressions() + (copies ? branch.compressions() : 0),
          List.copyOf(energy));
    }

    /** What all prompts begin with. */
    private void readDocument(int[] prompt, int[] probe) {
      for (int first = 0, end; first < shared; first = end) {
        end = (int) Math.min(shared, (long) first + trunk.room());
        int[] block = Arrays.copyOfRange(prompt, first, end);
        if (reading.sequence().scored()) {
          trunk.read(block, probe, /* logits= */ false);
        } else {
          trunk.forward(block, /* logits= */ false);
        }
      }
      promptTokens += shared;
    }

    /** What follows in one of them; the logits that begin its answer are there after it. */
    private void readRest(int[] prompt) {
      if (reading.reserves()) {
        branch.reserve(prompt.length - shared + options.maxNewTokens());
      }
      for (int first = shared, end; first < prompt.length; first = end) {
        end = (int) Math.min(prompt.length, (long) first + branch.room());
        int[] block = Arrays.copyOfRange(prompt, first, end);
        if (reading.scoresRest()) {
          branch.read(block, new int[0], end == prompt.length);
        } else {
          branch.forward(block, end == prompt.length);
        }
      }
      promptTokens += prompt.length - shared;
    }

    private Completion decode(int[] prompt, int index) {
      long start = System.nanoTime();
      Sampler sampler =
          options.temperature() == 0
              ? null
              : new Sampler(
                  options.temperature(), options.topK(), options.topP(), options.seed() + index);
      StreamDecoder detokenizer = tokenizer.stream(prompt);
      StopStrings stops = new StopStrings(options.stop());
      StringBuilder text = new StringBuilder();
      List<Integer> tokens = new ArrayList<>();
      int limit = Math.min(options.maxNewTokens(), contextTokens() - prompt.length);
      FinishReason reason = FinishReason.LENGTH;
      while (true) {
        int token = sampler == null ? decoder.argmax(1)[0] : sampler.next(decoder.logits(0));
        tokens.add(token);
        if (endTokens.contains(token) && !options.pastEnd()) {
          reason = FinishReason.STOP;
          break;
        }
        emit(stops.accept(detokenizer.accept(token)), text);
        if (stops.found()) {
          reason = FinishReason.STOP;
          break;
        }
        if (tokens.size() == limit) {
          break;
        }
        branch.forward(new int[] {token}, /* logits= */ true);
      }
      emit(stops.accept(detokenizer.flush()), text);
      emit(stops.flush(), text);
      decodeNanos += System.nanoTime() - start;
      return new Completion(text.toString(), List.copyOf(tokens), reason);
    }

    private void emit(String piece, StringBuilder text) {
      if (!piece.isEmpty()) {
        text.append(piece);
        listener.accept(piece);
      }
    }

    @Override
    public void close() {
      trunk.close();
      branch.close();
    }
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
