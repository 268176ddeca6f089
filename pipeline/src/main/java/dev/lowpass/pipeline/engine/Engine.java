package dev.lowpass.pipeline.engine;

import dev.lowpass.kernels.Device;
import dev.lowpass.kernels.Devices;
import dev.lowpass.pipeline.cache.CachePolicy;
import dev.lowpass.pipeline.decoder.Decoder;
import dev.lowpass.pipeline.decoder.Sampler;
import dev.lowpass.pipeline.decoder.Sequence;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.text.StreamDecoder;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * A loaded model that completes prompts. Any number of threads may call it; documents take turns on
 * the device, in the order they came.
 */
public final class Engine implements AutoCloseable {
  /** Tokens of a prompt that go through the decoder in one pass. */
  private static final int PREFILL_CHUNK = 512;

  private final Checkpoint checkpoint;
  private final TextTokenizer tokenizer;
  private final Device device;
  private final Decoder decoder;
  private final Set<Integer> endTokens;
  private final CachePolicy policy;
  private final int contextTokens;
  private final ReentrantLock turn = new ReentrantLock(/* fair= */ true);

  private Engine(
      Checkpoint checkpoint,
      TextTokenizer tokenizer,
      Device device,
      Decoder decoder,
      CachePolicy policy,
      int contextTokens) {
    this.checkpoint = checkpoint;
    this.tokenizer = tokenizer;
    this.device = device;
    this.decoder = decoder;
    this.policy = policy;
    this.contextTokens = contextTokens;
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
      int window = checkpoint.config().maxPositions();
      CachePolicy policy = options.cache().resolve(window, checkpoint.config().tuned()).policy();
      TextTokenizer tokenizer = TextTokenizer.load(options.model());
      opened.add(tokenizer);
      Device device = Devices.open(options.device(), options.threads());
      opened.add(device);
      Decoder decoder = Decoder.load(checkpoint, device, PREFILL_CHUNK, 1);
      int longest = policy.cacheTokens() == Integer.MAX_VALUE ? window : Integer.MAX_VALUE;
      int context =
          options.contextTokens() == 0 ? longest : Math.min(longest, options.contextTokens());
      return new Engine(checkpoint, tokenizer, device, decoder, policy, context);
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

  /** What a sequence's cache keeps. */
  public CachePolicy cachePolicy() {
    return policy;
  }

  /** The longest sequence it takes, prompt and completion together. */
  public int contextTokens() {
    return contextTokens;
  }

  /**
   * Completes the prompts of one document. Their common beginning is read once: each branches off
   * its cache.
   *
   * @param prompts token ids, at least one a prompt
   * @throws DocumentException if a prompt is longer than the model's window, or the device has no
   *     room for it
   * @throws CancellationException if the calling thread is interrupted
   */
  public Result complete(List<int[]> prompts, GenerationOptions options) {
    return complete(prompts, options, text -> {});
  }

  /** The same, handing over text as it is written. */
  public Result complete(
      List<int[]> prompts, GenerationOptions options, Consumer<String> listener) {
    int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
    if (longest >= contextTokens) {
      throw new DocumentException(
          DocumentException.TOO_LONG,
          "the prompt has %d tokens, and the window of %d must hold the answer too; split the document, bound the cache (--cache freqkv), or choose a model with a longer window"
              .formatted(longest, contextTokens));
    }
    if (prompts.stream().anyMatch(prompt -> prompt.length == 0)) {
      throw new DocumentException(DocumentException.EMPTY, "the prompt is empty; give it text");
    }
    long submitted = System.nanoTime();
    try {
      turn.lockInterruptibly();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw cancelled();
    }
    try (Turn document = new Turn(prompts, longest, options, listener)) {
      return document.run(System.nanoTime() - submitted);
    } finally {
      turn.unlock();
    }
  }

  /** One document's turn on the device. */
  private final class Turn implements AutoCloseable {
    private final List<int[]> prompts;
    private final GenerationOptions options;
    private final Consumer<String> listener;

    /** The document's cache. */
    private final Sequence trunk;

    /** Where a prompt goes on: the trunk itself, or a copy of it if that would be damaged. */
    private final Sequence branch;

    private long prefillNanos;
    private long decodeNanos;

    Turn(List<int[]> prompts, int longest, GenerationOptions options, Consumer<String> listener) {
      this.prompts = prompts;
      this.options = options;
      this.listener = listener;
      int tokens = (int) Math.min(contextTokens, (long) longest + options.maxNewTokens());
      // Entries that are only ever appended can be taken off again.
      boolean copies = prompts.size() > 1 && tokens > policy.cacheTokens();
      this.trunk = newSequence(tokens);
      try {
        this.branch = copies ? newSequence(tokens) : trunk;
      } catch (DocumentException e) {
        trunk.close();
        throw e;
      }
    }

    private Sequence newSequence(int tokens) {
      try {
        return new Sequence(decoder, policy, tokens);
      } catch (OutOfMemoryError e) {
        throw new DocumentException(
            DocumentException.OUT_OF_MEMORY,
            "no memory for a KV cache of %d tokens (%s); give the executor more memory, bound the cache (--cache freqkv, --cache-tokens), or shorten the document"
                .formatted(Math.min(tokens, policy.cacheTokens()), e.getMessage()));
      }
    }

    Result run(long queueNanos) {
      int shared = prompts.size() == 1 ? 0 : sharedPrefix(prompts);
      prefill(trunk, prompts.get(0), 0, shared);
      List<Completion> completions = new ArrayList<>();
      long promptTokens = shared;
      long outputTokens = 0;
      long kept = 0;
      for (int i = 0; i < prompts.size(); i++) {
        int[] prompt = prompts.get(i);
        if (branch != trunk) {
          branch.branchOff(trunk);
        } else if (i > 0) {
          trunk.truncate(shared);
        }
        prefill(branch, prompt, shared, prompt.length);
        promptTokens += prompt.length - shared;
        kept = Math.max(kept, branch.length());
        Completion completion = decode(prompt, i);
        completions.add(completion);
        outputTokens += completion.tokens().size();
      }
      long bytes = trunk.bytes();
      int compressions = trunk.compressions();
      if (branch != trunk) {
        bytes += branch.bytes();
        compressions += branch.compressions();
      }
      Stats stats =
          new Stats(
              queueNanos / 1e6, prefillNanos / 1e6, decodeNanos / 1e6, bytes, kept, compressions);
      return new Result(List.copyOf(completions), promptTokens, outputTokens, stats);
    }

    /** Reads {@code prompt[from, to)}; the last token's logits are there after it. */
    private void prefill(Sequence sequence, int[] prompt, int from, int to) {
      long start = System.nanoTime();
      for (int first = from, end; first < to; first = end) {
        end = Math.min(to, first + sequence.room());
        int[] chunk = Arrays.copyOfRange(prompt, first, end);
        forward(sequence, chunk, end == prompt.length ? new int[] {chunk.length - 1} : new int[0]);
      }
      prefillNanos += System.nanoTime() - start;
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
      int limit = Math.min(options.maxNewTokens(), contextTokens - prompt.length);
      FinishReason reason = FinishReason.LENGTH;
      while (true) {
        int token = sampler == null ? decoder.argmax(1)[0] : sampler.next(decoder.logits(0));
        tokens.add(token);
        if (endTokens.contains(token)) {
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
        branch.room();
        forward(branch, new int[] {token}, new int[] {0});
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

    private void forward(Sequence sequence, int[] tokens, int[] logitRows) {
      if (Thread.currentThread().isInterrupted()) {
        throw cancelled();
      }
      sequence.forward(tokens, logitRows);
    }

    @Override
    public void close() {
      trunk.close();
      branch.close();
    }
  }

  /**
   * Tokens that all prompts begin with, short of each prompt's last, whose logits begin its answer.
   */
  static int sharedPrefix(List<int[]> prompts) {
    int[] first = prompts.get(0);
    int shared = first.length - 1;
    for (int[] prompt : prompts) {
      int mismatch =
          Arrays.mismatch(first, 0, shared, prompt, 0, Math.min(shared, prompt.length - 1));
      shared = mismatch < 0 ? shared : mismatch;
    }
    return shared;
  }

  private static CancellationException cancelled() {
    return new CancellationException("the thread was interrupted");
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
    decoder.close();
    device.close();
    tokenizer.close();
    checkpoint.close();
  }
}
