package dev.lowpass.pipeline.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * A window onto an engine for one task: an engine is fair between its clients, which take turns,
 * and takes a client's documents in the order they came. Any thread may use it.
 */
public final class EngineClient implements AutoCloseable {
  private final Engine engine;
  private final Scheduler scheduler;
  private final int[] head;

  /** Documents that wait for the device; the scheduler's, as what follows. */
  final Deque<Submission> waiting = new ArrayDeque<>();

  /** Those, and the ones on the device. */
  final Set<CompletableFuture<Result>> inFlight = new HashSet<>();

  boolean closed;

  /** The last pass that had some of its prompts; the engine's thread's. */
  long served;

  EngineClient(Engine engine, Scheduler scheduler, int[] head) {
    this.head = head;
    this.engine = engine;
    this.scheduler = scheduler;
  }

  /** What its prompts begin with, as a rule. */
  int[] head() {
    return head;
  }

  /** Documents worth having in flight: as many as there are slots, and a few to follow. */
  public int window() {
    return scheduler.window();
  }

  /**
   * Hands a document over, and never waits.
   *
   * @return ends with the result, a {@link DocumentException} (the document's fault, its deadline
   *     included), a {@link dev.lowpass.kernels.DeviceException}, or another exception; with a
   *     {@link java.util.concurrent.CancellationException} where the client or the engine is
   *     closed. To cancel it is to have it stop at the device's next pass. What is attached to it
   *     runs on the engine's thread: everybody waits for it
   * @throws IllegalStateException if there are {@link #window} in flight, or the client is closed
   */
  public CompletableFuture<Result> submit(
      Request request, GenerationOptions options, Limits limits) {
    return submit(request, options, limits, Submission.SILENT);
  }

  CompletableFuture<Result> submit(
      Request request, GenerationOptions options, Limits limits, Consumer<String> listener) {
    CompletableFuture<Result> future = new CompletableFuture<>();
    Reading reading;
    try {
      reading = engine.reading(request, options);
    } catch (DocumentException e) {
      future.completeExceptionally(e);
      return future;
    }
    scheduler.submit(
        new Submission(this, reading, options, limits, listener, future, System.nanoTime()));
    return future;
  }

  /** Cancels what is not finished; returns when the engine has let go of it. */
  @Override
  public void close() {
    List<CompletableFuture<Result>> unfinished;
    synchronized (scheduler) {
      closed = true;
      unfinished = new ArrayList<>(inFlight);
    }
    unfinished.forEach(future -> future.cancel(true));
    scheduler.awaitRelease(this);
  }
}
