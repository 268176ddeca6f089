package dev.lowpass.pipeline.engine;

import dev.lowpass.kernels.DeviceException;
import dev.lowpass.pipeline.decoder.Decoder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * The thread that owns the device. Documents wait in their clients' queues, none of which is longer
 * than its window; clients take turns, and the next document gets on the device when there are
 * slots for it. Its monitor guards queues and counts; nobody holds it during a pass.
 */
final class Scheduler implements Batch.Exit, AutoCloseable {
  /** Documents a client may have beyond the slots: the next ones are there when a slot is free. */
  private static final int FOLLOWING = 4;

  private final Decoder decoder;
  private final Writer writer;
  private final Slots slots;
  private final Heads heads;
  private final Batch batch;
  private final Thread thread = new Thread(this::run, "lowpass-engine");

  /** Clients with documents that wait, in the order of their turns. */
  private final Deque<EngineClient> turns = new ArrayDeque<>();

  /** Documents that failed in company, or by the device's fault: each goes again, alone. */
  private final Deque<Submission> retries = new ArrayDeque<>();

  private boolean closed;

  /** Why it is closed, where nobody closed it. */
  private Throwable failure;

  private long documents;
  private long failed;
  private long promptTokens;
  private long outputTokens;
  private long busyNanos;

  /** Up to when that has been counted. */
  private long busySince;

  /** The batch's counts and the slots', as of the last pass. */
  private Batch.Counts counts = new Batch.Counts(0, 0, 0, 0);

  private int slotsUsed;
  private long cacheBytesUsed;

  Scheduler(Decoder decoder, Writer writer, Slots slots, Heads heads, int batchTokens) {
    this.decoder = decoder;
    this.writer = writer;
    this.slots = slots;
    this.heads = heads;
    batch = new Batch(decoder, batchTokens, this);
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  int window() {
    return slots.most() + FOLLOWING;
  }

  /**
   * Takes a document into its client's queue.
   *
   * @throws IllegalStateException if the client has too many in flight, or is closed
   */
  void submit(Submission document) {
    EngineClient client = document.client();
    synchronized (this) {
      if (closed || client.closed) {
        throw new IllegalStateException("the engine or its client is closed", failure);
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
      notifyAll();
    }
    document
        .future()
        .whenComplete(
            (result, failure) -> {
              if (document.future().isCancelled()) {
                forget(document);
              }
            });
  }

  /** A cancelled document that waits is gone at once; one on the device when the pass is over. */
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

  private void run() {
    try {
      while (awaitWork()) {
        busySince = System.nanoTime();
        batch.sweep();
        expire();
        admit();
        batch.run();
        count();
      }
    } catch (RuntimeException | Error e) {
      failure = e;
    }
    end();
  }

  /** Waits until there is a document; returns false when the engine is closed. */
  private synchronized boolean awaitWork() {
    while (!closed && batch.isEmpty() && turns.isEmpty() && retries.isEmpty()) {
      try {
        wait();
      } catch (InterruptedException e) {
        // Nobody has a reason to interrupt this thread; a document that is cancelled says so.
      }
    }
    return !closed;
  }

  /** Ends documents whose deadline has passed while they waited. */
  private void expire() {
    List<Submission> waiting = new ArrayList<>(retries);
    synchronized (this) {
      turns.forEach(client -> waiting.addAll(client.waiting));
    }
    for (Submission document : waiting) {
      try {
        document.check();
      } catch (RuntimeException e) {
        retries.remove(document);
        forget(document);
        ended(document, null, e);
      }
    }
  }

  /** Puts documents on the device while there is room. */
  private void admit() {
    if (!retries.isEmpty() || batch.isReserved()) {
      if (batch.isEmpty()) {
        admit(retries.remove(), /* retry= */ true);
      }
      return;
    }
    Submission next;
    while ((next = next()) != null && admit(next, /* retry= */ false)) {}
  }

  /** The next document, if there is room for it. */
  private synchronized Submission next() {
    EngineClient client = turns.peek();
    if (client == null) {
      return null;
    }
    Reading reading = client.waiting.element().reading();
    if (!slots.fits(reading.sequence(), reading.slots())) {
      return null;
    }
    turns.remove();
    Submission document = client.waiting.remove();
    if (!client.waiting.isEmpty()) {
      turns.add(client);
    }
    return document;
  }

  /** Puts a document on the device; returns whether it is there. */
  private boolean admit(Submission submission, boolean retry) {
    try {
      batch.add(new Document(submission, retry, writer, slots, heads));
      return true;
    } catch (OutOfMemoryError e) {
      if (!batch.isEmpty()) {
        putBack(submission);
        return false;
      }
      ended(submission, null, submission.reading().tooLarge(e));
    } catch (DeviceException e) {
      if (retry) {
        ended(submission, null, e);
      } else {
        again(submission);
      }
    } catch (RuntimeException e) {
      ended(submission, null, e);
    }
    return true;
  }

  /** It waits until others have left. */
  private synchronized void putBack(Submission document) {
    EngineClient client = document.client();
    turns.remove(client);
    turns.addFirst(client);
    client.waiting.addFirst(document);
  }

  @Override
  public void again(Submission document) {
    retries.add(document);
  }

  @Override
  public void ended(Submission document, Result result, Throwable failure) {
    synchronized (this) {
      count();
      document.client().inFlight.remove(document.future());
      if (result != null) {
        documents++;
        promptTokens += result.promptTokens();
        outputTokens += result.outputTokens();
      } else if (!document.future().isCancelled()) {
        failed++;
      }
      notifyAll();
    }
    if (result != null) {
      document.future().complete(result);
    } else {
      document.future().completeExceptionally(failure);
    }
  }

  /** Brings what others may see up to date. */
  private synchronized void count() {
    long now = System.nanoTime();
    busyNanos += now - busySince;
    busySince = now;
    counts = batch.counts();
    slotsUsed = slots.used();
    cacheBytesUsed = slots.usedBytes();
  }

  synchronized EngineStatus status() {
    int queued = turns.stream().mapToInt(client -> client.waiting.size()).sum();
    return new EngineStatus(
        documents,
        failed,
        promptTokens,
        outputTokens,
        counts.prefillNanos(),
        counts.decodeNanos(),
        busyNanos,
        counts.passes(),
        counts.rows(),
        slots.most(),
        slotsUsed,
        queued,
        slots.bytes(),
        cacheBytesUsed,
        decoder.bytes() + cacheBytesUsed);
  }

  /** The thread's end: nobody is left waiting. */
  private void end() {
    busySince = System.nanoTime();
    Throwable reason = failure == null ? Engine.cancelled() : failure;
    List<Submission> unfinished = new ArrayList<>(retries);
    synchronized (this) {
      closed = true;
      turns.forEach(client -> unfinished.addAll(client.waiting));
      turns.forEach(client -> client.waiting.clear());
      turns.clear();
    }
    batch.end(reason);
    heads.close();
    unfinished.forEach(document -> ended(document, null, reason));
  }

  /** Cancels what is not finished and ends the thread. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
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
