package dev.lowpass.udfs;

import dev.lowpass.kernels.DeviceException;
import dev.lowpass.pipeline.engine.DocumentException;
import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.EngineClient;
import dev.lowpass.pipeline.engine.Request;
import dev.lowpass.pipeline.engine.Result;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.schema.SchemaConstraint;
import dev.lowpass.pipeline.text.Prompts;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;
import org.apache.spark.sql.Row;

/**
 * The rows of one task's documents, as they finish: a window of documents is in flight with the
 * executor's engine, which all its tasks share. Closing it cancels them.
 */
final class DecodingIterator implements Iterator<Row>, AutoCloseable {
  /** How soon a task learns that it was killed. */
  private static final long PATIENCE_MILLIS = 200;

  private final Iterator<Row> rows;
  private final Run run;
  private final OutputTable table;
  private final Counters counters;
  private final Configuration hadoop;
  private final TaskContext task;
  private final Supplier<Engine> engines;

  /** Both null until there is a document for them. */
  private Engine engine;

  private EngineClient client;

  private final Queue<Row> ready = new ArrayDeque<>();
  private final BlockingQueue<Outcome> finished = new LinkedBlockingQueue<>();
  private int inFlight;

  /** How a document ended: with a result, or with an error. */
  private record Outcome(Document document, Result result, Throwable error) {}

  /**
   * @param rows as {@link DocumentReader} takes them
   * @param engines called when the first document needs it
   */
  DecodingIterator(
      Iterator<Row> rows,
      Run run,
      OutputTable table,
      Counters counters,
      Configuration hadoop,
      TaskContext task,
      Supplier<Engine> engines) {
    this.rows = rows;
    this.run = run;
    this.table = table;
    this.counters = counters;
    this.hadoop = hadoop;
    this.task = task;
    this.engines = engines;
  }

  @Override
  public boolean hasNext() {
    return !ready.isEmpty() || inFlight > 0 || rows.hasNext();
  }

  @Override
  public Row next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    fill();
    if (!ready.isEmpty()) {
      return ready.remove();
    }
    Outcome outcome = await();
    inFlight--;
    return row(outcome);
  }

  private void fill() {
    while (rows.hasNext() && inFlight + ready.size() < (client == null ? 1 : client.window())) {
      checkKilled();
      Row row = rows.next();
      if (row.isNullAt(DocumentReader.ID)) {
        ready.add(row.getStruct(DocumentReader.DONE));
        continue;
      }
      Document document = DocumentReader.read(row, table.kept(), hadoop);
      if (document.error() != null) {
        ready.add(failed(document, document.error()));
      } else {
        submit(document);
      }
    }
  }

  private void submit(Document document) {
    if (client == null) {
      engine = engines.get();
      client = engine.client(examples(engine.tokenizer()));
    }
    Request request;
    try {
      run.limits().check(document.text());
      request = request(document.text());
      run.limits().check(request);
    } catch (RuntimeException e) {
      ready.add(row(new Outcome(document, null, e)));
      return;
    }
    inFlight++;
    client
        .submit(request, run.generation().options(), run.limits().inEngine())
        .whenComplete((result, error) -> finished.add(new Outcome(document, result, error)));
  }

  /** Two that have in common what all prompts of a run do: the template, up to the document. */
  private static List<int[]> examples(TextTokenizer tokenizer) {
    return Stream.of("A", "7").map(Prompts::document).map(tokenizer::encodeChat).toList();
  }

  private Outcome await() {
    try {
      while (true) {
        checkKilled();
        Outcome outcome = finished.poll(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
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

  private Row row(Outcome outcome) {
    Throwable error = outcome.error();
    if (error == null) {
      Row row = table.ok(outcome.document(), outcome.result());
      counters.ok(outcome.result());
      return row;
    }
    if (error instanceof DocumentException e) {
      return failed(outcome.document(), new Failure(e.type(), e.getMessage()));
    }
    if (error instanceof Error e) {
      throw e;
    }
    if (error instanceof CancellationException
        || error instanceof ModelException
        || error instanceof DeviceException) {
      // The engine is being closed, the model's template cannot be used, or the device is broken
      // even after the engine's retries: none of this says anything about the document.
      throw (RuntimeException) error;
    }
    return failed(outcome.document(), new Failure(Failure.INTERNAL, String.valueOf(error)));
  }

  private Row failed(Document document, Failure failure) {
    counters.failed();
    return table.failed(document, failure);
  }

  private Request request(String text) {
    TextTokenizer tokenizer = engine.tokenizer();
    List<int[]> prompts =
        run.task().conversations(text).stream().map(tokenizer::encodeChat).toList();
    // With where the document ends and what is asked of it, where some of it is dropped.
    List<SchemaConstraint> constraints = run.task().constraints(engine);
    if (!run.policy().bounded() && !run.policy().scores()) {
      return Request.of(prompts).constrained(constraints);
    }
    List<String> probes = run.task().probes();
    if (run.policy().cache().probe().equals("all")) {
      probes = List.of(String.join("", probes));
    }
    return Request.about(
            tokenizer.encodeChat(Prompts.document(text)),
            prompts,
            probes.stream().map(tokenizer::encode).toList())
        .constrained(constraints);
  }

  @Override
  public void close() {
    if (client != null) {
      client.close();
    }
  }
}
