package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.DocumentException;
import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.EngineClient;
import dev.lowpass.pipeline.engine.GenerationOptions;
import dev.lowpass.pipeline.engine.Limits;
import dev.lowpass.pipeline.engine.Request;
import dev.lowpass.pipeline.engine.Result;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;

/**
 * The values of a task's rows under some {@link ModelFunction}s, in the rows' order. Texts of many
 * rows are in flight at once; a null text is a null value, and takes no engine.
 *
 * @param <R> a row
 */
public final class FunctionIterator<R>
    extends EngineIterator<
        FunctionIterator.Call<R>, FunctionIterator.Call<R>, FunctionIterator.Values<R>> {
  /** How many windows of rows may wait for one before them that takes long. */
  private static final int LOOKAHEAD = 4;

  /**
   * A row before the functions.
   *
   * @param texts one a function; null for none
   */
  public record Texts<R>(R row, String[] texts) {}

  /**
   * A row with the functions' values.
   *
   * @param values one a function, as Spark's {@code Row} has them; null for none
   */
  public record Values<R>(R row, Object[] values) {}

  /** One function of one row. */
  record Call<R>(Pending<R> row, int function) {
    String text() {
      return row.texts.texts()[function];
    }
  }

  /** A row whose values come one by one. */
  private static final class Pending<R> {
    final Texts<R> texts;
    final Object[] values;
    int missing;

    Pending(Texts<R> texts) {
      this.texts = texts;
      this.values = new Object[texts.texts().length];
      this.missing = values.length;
    }
  }

  private final List<ModelFunction> functions;
  private final List<AnswerColumns> columns;
  private final FunctionSettings settings;
  private final Configuration hadoop;

  /** Rows that were begun, in their order. */
  private final Deque<Pending<R>> begun = new ArrayDeque<>();

  /** Whether the last of them has functions that were not read yet. */
  private boolean within;

  /** Null until there is a text for it. */
  private Engine engine;

  /**
   * @param functions at least one; all of the same settings
   */
  public FunctionIterator(
      Iterator<Texts<R>> rows,
      List<ModelFunction> functions,
      Tally tally,
      Configuration hadoop,
      TaskContext task) {
    super(calls(rows, functions.size()), tally, task);
    this.functions = functions;
    this.columns = functions.stream().map(function -> AnswerColumns.of(function.task())).toList();
    this.settings = functions.get(0).settings();
    this.hadoop = hadoop;
  }

  private static <R> Iterator<Call<R>> calls(Iterator<Texts<R>> rows, int functions) {
    return new Iterator<>() {
      private Pending<R> row;
      private int next = functions;

      @Override
      public boolean hasNext() {
        return next < functions || rows.hasNext();
      }

      @Override
      public Call<R> next() {
        if (next == functions) {
          row = new Pending<>(rows.next());
          next = 0;
        }
        return new Call<>(row, next++);
      }
    };
  }

  @Override
  boolean accepts(int window) {
    return within || begun.size() < LOOKAHEAD * window;
  }

  @Override
  void read(Call<R> call) {
    if (call.function() == 0) {
      begun.add(call.row());
    }
    within = call.function() < functions.size() - 1;
    if (call.text() == null) {
      ended(call, null).forEach(this::emit);
    } else {
      submit(call);
    }
  }

  @Override
  EngineClient connect() {
    engine = Engines.get(settings.engine(), hadoop);
    return engine.client(Requests.examples(engine.tokenizer()));
  }

  @Override
  Request request(Call<R> call) {
    if (call.text().isBlank()) {
      throw new DocumentException(Failure.EMPTY, "the text is blank; leave such rows out");
    }
    return Requests.about(
        call.text(),
        functions.get(call.function()).task(),
        settings.policy(),
        settings.limits(),
        engine);
  }

  @Override
  GenerationOptions generation(Call<R> call) {
    return functions.get(call.function()).generation().options();
  }

  @Override
  Limits limits() {
    return settings.limits().inEngine();
  }

  @Override
  List<Values<R>> answered(Call<R> call, Request request, Result result) {
    return ended(
        call, columns.get(call.function()).values(call.text(), result.completions()).get(0));
  }

  @Override
  List<Values<R>> failed(Call<R> call, Failure failure) {
    if (!settings.nullOnError()) {
      throw new FunctionException(
          functions.get(call.function()).name(), call.text(), failure.type(), failure.message());
    }
    return ended(call, null);
  }

  /** Notes a value; returns the rows that are ready with it. */
  private List<Values<R>> ended(Call<R> call, Object value) {
    call.row().values[call.function()] = value;
    call.row().missing--;
    List<Values<R>> ready = new ArrayList<>();
    while (!begun.isEmpty() && begun.peek().missing == 0) {
      Pending<R> row = begun.remove();
      ready.add(new Values<>(row.texts.row(), row.values));
    }
    return ready;
  }
}
