package dev.lowpass.udfs;

import dev.lowpass.kernels.DeviceException;
import dev.lowpass.pipeline.engine.DocumentException;
import dev.lowpass.pipeline.engine.EngineClient;
import dev.lowpass.pipeline.engine.GenerationOptions;
import dev.lowpass.pipeline.engine.Limits;
import dev.lowpass.pipeline.engine.Request;
import dev.lowpass.pipeline.engine.Result;
import dev.lowpass.pipeline.model.ModelException;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;

/**
 * The rows that a task makes of its documents, as they finish: a window of documents is in flight
 * with the executor's engine, which all its tasks share. What is wrong with a document ends in its
 * rows; only a model or a device that cannot be used fails the task. Closing it cancels what is in
 * flight.
 *
 * @param <I> what the task is given
 * @param <D> a document, as far as it can be read
 * @param <R> a row
 */
abstract class EngineIterator<I, D, R> implements Iterator<R>, AutoCloseable {
  /** How soon a task learns that it was killed. */
  private static final long PATIENCE_MILLIS = 200;

  private final Iterator<I> inputs;
  private final Tally counters;
  private final TaskContext task;

  /** Null until there is a document for it. */
  private EngineClient client;

  private final Queue<R> ready = new ArrayDeque<>();
  private final BlockingQueue<Outcome<D>> finished = new LinkedBlockingQueue<>();
  private int inFlight;

  /** How a document ended: with a result, or with an error. */
  private record Outcome<D>(D document, Request request, Result result, Throwable error) {}

  EngineIterator(Iterator<I> inputs, Tally counters, TaskContext task) {
    this.inputs = inputs;
    this.counters = counters;
    this.task = task;
  }

  /**
   * Reads an input: {@link #submit}s its document, or ends it by {@link #emit} or {@link #fail}.
   */
  abstract void read(I input);

  /** Called when the first document needs the engine. */
  abstract EngineClient connect();

  /** What a document is asked; what is wrong with the document, it throws. */
  abstract Request request(D document);

  abstract GenerationOptions generation(D document);

  abstract Limits limits();

  abstract List<R> answered(D document, Request request, Result result);

  abstract List<R> failed(D document, Failure failure);

  @Override
  public final boolean hasNext() {
    return !ready.isEmpty() || inFlight > 0 || inputs.hasNext();
  }

  @Override
  public final R next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    fill();
    while (ready.isEmpty()) {
      Outcome<D> outcome = await();
      inFlight--;
      finish(outcome);
    }
    return ready.remove();
  }

  private void fill() {
    while (inputs.hasNext() && accepts(window()) && inFlight + ready.size() < window()) {
      checkKilled();
      read(inputs.next());
    }
  }

  private int window() {
    return client == null ? 1 : client.window();
  }

  /**
   * Whether another input may be read now; where it may not, documents are in flight.
   *
   * @param window how many may be in flight
   */
  boolean accepts(int window) {
    return true;
  }

  final void emit(R row) {
    ready.add(row);
  }

  final void fail(D document, Failure failure) {
    counters.failed();
    ready.addAll(failed(document, failure));
  }

  final void submit(D document) {
    if (client == null) {
      client = connect();
    }
    Request request;
    try {
      request = request(document);
    } catch (RuntimeException e) {
      finish(new Outcome<>(document, null, null, e));
      return;
    }
    inFlight++;
    client
        .submit(request, generation(document), limits())
        .whenComplete(
            (result, error) -> finished.add(new Outcome<>(document, request, result, error)));
  }

  private Outcome<D> await() {
    try {
      while (true) {
        checkKilled();
        Outcome<D> outcome = finished.poll(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        if (outcome != null) {
          return outcome;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("the thread was interrupted");
    }
  }

  private void checkKilled() {
    if (task.isInterrupted()) {
      throw new TaskKilledException("killed by Spark");
    }
  }

  private void finish(Outcome<D> outcome) {
    D document = outcome.document();
    Throwable error = outcome.error();
    if (error == null) {
      ready.addAll(answered(document, outcome.request(), outcome.result()));
      counters.ok(outcome.result());
    } else if (error instanceof DocumentException e) {
      fail(document, new Failure(e.type(), e.getMessage()));
    } else if (error instanceof Error e) {
      throw e;
    } else if (error instanceof CancellationException
        || error instanceof ModelException
        || error instanceof DeviceException) {
      // The engine is being closed, the model's template cannot be used, or the device is broken
      // even after the engine's retries: none of this says anything about the document.
      throw (RuntimeException) error;
    } else {
      fail(document, new Failure(Failure.INTERNAL, String.valueOf(error)));
    }
  }

  @Override
  public final void close() {
    if (client != null) {
      client.close();
    }
  }
}
