package dev.lowpass.pipeline.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/**
 * The thread that owns the device. Documents wait in their clients' queues, none of which is longer
 * than its window; clients take turns. Its monitor guards queues and counts.
 */
final class Scheduler implements AutoCloseable {
  /** Documents a client may have beyond the slots: the next ones are there when a slot is free. */
  private static final int FOLLOWING = 4;

  private final int slots;
  private final Function<Submission, Result> work;
  private final Thread thread = new Thread(this::run, "lowpass-engine");
  private final Deque<EngineClient> turns = new ArrayDeque<>();
  private Submission running;
  private boolean closed;
  private long documents;
  private long failed;
  private long promptTokens;
  private long outputTokens;
  private long prefillNanos;
  private long decodeNanos;
  private long busyNanos;

  /**
   * @param work one document, on the engine's thread
   */
  Scheduler(int slots, Function<Submission, Result> work) {
    this.slots = slots;
    this.work = work;
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  int window() {
    return slots + FOLLOWING;
  }

  /**
   * Takes a document into its client's queue.
   *
   * @throws IllegalStateException if the client has too many in flight, or is closed
   */
  synchronized void submit(Submission document) {
    EngineClient client = document.client();
    if (closed || client.closed) {
      throw new IllegalStateException("the engine or its client is closed");
    }
    if (client.inFlight.size() >= window()) {
      throw new IllegalStateException(
          "%d documents are in flight already; wait for one of them".formatted(window()));
    }
    client.inFlight.add(document.future());
    if (client.waiting.isEmpty()) {
      turns.add(client);
    }
    client.waiting.add(document);
    document
        .future()
        .whenComplete(
            (result, failure) -> {
              if (document.cancelled()) {
                forget(document);
              }
            });
    notifyAll();
  }

  /** A cancelled document that waits is gone at once; one that runs, when the pass is over. */
  private synchronized void forget(Submission document) {
    EngineClient client = document.client();
    if (client.waiting.remove(document)) {
      if (client.waiting.isEmpty()) {
        turns.remove(client);
      }
      client.inFlight.remove(document.future());
      notifyAll();
    }
  }

  /** Waits until nothing of a closed client is on the device. */
  synchronized void awaitRelease(EngineClient client) {
    boolean interrupted = false;
    while (!client.inFlight.isEmpty() && Thread.currentThread() != thread) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether a document that runs should go on. */
  void check(Submission document) {
    if (document.cancelled() || closed()) {
      throw Engine.cancelled();
    }
    document.check();
  }

  private synchronized boolean closed() {
    return closed;
  }

  private void run() {
    Submission document;
    while ((document = next()) != null) {
      long start = System.nanoTime();
      Result result = null;
      Throwable failure = null;
      try {
        check(document);
        result = work.apply(document);
      } catch (Throwable e) {
        failure = e;
      }
      release(document, result, System.nanoTime() - start);
      if (failure == null) {
        document.future().complete(result);
      } else {
        document.future().completeExceptionally(failure);
      }
    }
  }

  private synchronized Submission next() {
    boolean interrupted = false;
    while (turns.isEmpty() && !closed) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (closed) {
      return null;
    }
    EngineClient client = turns.remove();
    running = client.waiting.remove();
    if (!client.waiting.isEmpty()) {
      turns.add(client);
    }
    return running;
  }

  private synchronized void release(Submission document, Result result, long nanos) {
    running = null;
    document.client().inFlight.remove(document.future());
    busyNanos += nanos;
    if (result != null) {
      documents++;
      promptTokens += result.promptTokens();
      outputTokens += result.outputTokens();
      prefillNanos += (long) (result.stats().prefillMs() * 1e6);
      decodeNanos += (long) (result.stats().decodeMs() * 1e6);
    } else if (!document.cancelled()) {
      failed++;
    }
    notifyAll();
  }

  synchronized EngineStatus status() {
    int queued = turns.stream().mapToInt(client -> client.waiting.size()).sum();
    return new EngineStatus(
        documents,
        failed,
        promptTokens,
        outputTokens,
        prefillNanos,
        decodeNanos,
        busyNanos,
        /* passes= */ 0,
        /* rows= */ 0,
        slots,
        running == null ? 0 : 1,
        queued,
        /* cacheBytes= */ 0,
        /* cacheBytesUsed= */ 0,
        /* deviceBytes= */ 0);
  }

  /** Cancels what is not finished and ends the thread. */
  @Override
  public void close() {
    List<CompletableFuture<Result>> waiting = new ArrayList<>();
    synchronized (this) {
      closed = true;
      turns.forEach(client -> client.waiting.forEach(document -> waiting.add(document.future())));
      notifyAll();
    }
    waiting.forEach(future -> future.cancel(true));
    boolean interrupted = false;
    while (thread.isAlive() && Thread.currentThread() != thread) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
