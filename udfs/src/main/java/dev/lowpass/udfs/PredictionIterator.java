package dev.lowpass.udfs;

import dev.lowpass.kernels.DeviceException;
import dev.lowpass.pipeline.engine.DocumentException;
import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.EngineClient;
import dev.lowpass.pipeline.engine.GenerationOptions;
import dev.lowpass.pipeline.engine.Limits;
import dev.lowpass.pipeline.engine.Request;
import dev.lowpass.pipeline.engine.Result;
import dev.lowpass.pipeline.evaluation.EvaluationException;
import dev.lowpass.pipeline.evaluation.suite.Item;
import dev.lowpass.pipeline.evaluation.suite.PromptWriter;
import dev.lowpass.pipeline.evaluation.suite.Suite;
import dev.lowpass.pipeline.evaluation.suite.SuiteRow;
import dev.lowpass.pipeline.model.ModelException;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;
import org.apache.spark.sql.Row;

/**
 * The predictions of one task's rows, as they finish: a window of items is in flight with the
 * executor's engine. What is wrong with a row ends in that row. Closing it cancels them.
 */
final class PredictionIterator implements Iterator<Row>, AutoCloseable {
  /** How soon a task learns that it was killed. */
  private static final long PATIENCE_MILLIS = 200;

  private static final String MALFORMED = "input.malformed";

  private final Iterator<SuiteRow> rows;
  private final EvaluationRun run;
  private final PredictionTable table;
  private final Counters counters;
  private final Configuration hadoop;
  private final TaskContext task;

  /** Both null until there is an item for them. */
  private EngineClient client;

  private PromptWriter prompts;

  private final Queue<Row> ready = new ArrayDeque<>();
  private final BlockingQueue<Outcome> finished = new LinkedBlockingQueue<>();
  private int inFlight;

  /** How an item ended: with a result, or with an error. */
  private record Outcome(
      SuiteRow row, Item item, Request request, Result result, Throwable error) {}

  PredictionIterator(
      Iterator<SuiteRow> rows,
      EvaluationRun run,
      Counters counters,
      Configuration hadoop,
      TaskContext task) {
    this.rows = rows;
    this.run = run;
    this.table = new PredictionTable(run);
    this.counters = counters;
    this.hadoop = hadoop;
    this.task = task;
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
    while (ready.isEmpty()) {
      fill();
      if (ready.isEmpty()) {
        finish(await());
      }
    }
    return ready.remove();
  }

  private void fill() {
    while (rows.hasNext() && ready.isEmpty() && inFlight < (client == null ? 1 : client.window())) {
      checkKilled();
      SuiteRow row = rows.next();
      Item item;
      try {
        item = Suite.read(row, run.suites());
      } catch (EvaluationException e) {
        counters.failed();
        ready.add(
            table.malformed(row, new Failure(MALFORMED, row.source() + ": " + e.getMessage())));
        continue;
      }
      if (row.suite() == Suite.PERPLEXITY) {
        foretell(row, item);
      } else {
        submit(row, item);
      }
    }
  }

  private void submit(SuiteRow row, Item item) {
    if (client == null) {
      Engine engine = Engines.only(run.engine(), hadoop);
      client = engine.client();
      prompts = new PromptWriter(engine.tokenizer(), run.prompts());
    }
    Request request;
    try {
      request = prompts.request(item);
    } catch (RuntimeException e) {
      finish(new Outcome(row, item, null, null, e));
      return;
    }
    inFlight++;
    client
        .submit(request, GenerationOptions.greedy(item.maxNewTokens()), Limits.NONE)
        .whenComplete(
            (result, error) -> finished.add(new Outcome(row, item, request, result, error)));
  }

  private void foretell(SuiteRow row, Item item) {
    try {
      LossModels.losses(run, hadoop, item)
          .forEach(
              loss ->
                  ready.add(
                      table.foretold(row, item, loss.question(), loss.tokens(), loss.mean())));
      counters.done();
    } catch (DocumentException e) {
      counters.failed();
      ready.addAll(table.failed(row, item, new Failure(e.type(), e.getMessage())));
    }
  }

  private Outcome await() {
    try {
      while (true) {
        checkKilled();
        Outcome outcome = finished.poll(PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
        if (outcome != null) {
          inFlight--;
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

  private void finish(Outcome outcome) {
    Throwable error = outcome.error();
    if (error == null) {
      Result result = outcome.result();
      for (int i = 0; i < result.completions().size(); i++) {
        ready.add(
            table.answered(
                outcome.row(),
                outcome.item(),
                i,
                outcome.request().prompts().get(i),
                result.completions().get(i),
                result.stats()));
      }
      counters.ok(result);
    } else if (error instanceof DocumentException e) {
      fail(outcome, new Failure(e.type(), e.getMessage()));
    } else if (error instanceof Error e) {
      throw e;
    } else if (error instanceof CancellationException
        || error instanceof ModelException
        || error instanceof DeviceException) {
      // The engine is being closed, the model's template cannot be used, or the device is broken:
      // none of this says anything about the item.
      throw (RuntimeException) error;
    } else {
      fail(outcome, new Failure(Failure.INTERNAL, String.valueOf(error)));
    }
  }

  private void fail(Outcome outcome, Failure failure) {
    counters.failed();
    ready.addAll(table.failed(outcome.row(), outcome.item(), failure));
  }

  @Override
  public void close() {
    if (client != null) {
      client.close();
    }
  }
}
