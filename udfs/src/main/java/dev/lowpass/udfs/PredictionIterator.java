package dev.lowpass.udfs;

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
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Row;

/** The predictions of one task's rows, for the {@link PredictionTable}. */
final class PredictionIterator extends EngineIterator<SuiteRow, PredictionIterator.Asked, Row> {
  private static final String MALFORMED = "input.malformed";

  private final EvaluationRun run;
  private final PredictionTable table;
  private final Counters counters;
  private final Configuration hadoop;

  /** Null until there is an item for it. */
  private PromptWriter prompts;

  /** A row and what it says. */
  record Asked(SuiteRow row, Item item) {}

  PredictionIterator(
      Iterator<SuiteRow> rows,
      EvaluationRun run,
      Counters counters,
      Configuration hadoop,
      TaskContext task) {
    super(rows, counters, task);
    this.run = run;
    this.table = new PredictionTable(run);
    this.counters = counters;
    this.hadoop = hadoop;
  }

  @Override
  void read(SuiteRow row) {
    Item item;
    try {
      item = Suite.read(row, run.suites());
    } catch (EvaluationException e) {
      counters.failed();
      emit(table.malformed(row, new Failure(MALFORMED, row.source() + ": " + e.getMessage())));
      return;
    }
    if (row.suite() == Suite.PERPLEXITY) {
      foretell(row, item);
    } else {
      submit(new Asked(row, item));
    }
  }

  private void foretell(SuiteRow row, Item item) {
    try {
      LossModels.losses(run, hadoop, item)
          .forEach(
              loss -> emit(table.foretold(row, item, loss.question(), loss.tokens(), loss.mean())));
      counters.done();
    } catch (DocumentException e) {
      fail(new Asked(row, item), new Failure(e.type(), e.getMessage()));
    }
  }

  @Override
  EngineClient connect() {
    Engine engine = Engines.only(run.engine(), hadoop);
    prompts = new PromptWriter(engine.tokenizer(), run.prompts());
    return engine.client();
  }

  @Override
  Request request(Asked asked) {
    return prompts.request(asked.item());
  }

  @Override
  GenerationOptions generation(Asked asked) {
    return GenerationOptions.greedy(asked.item().maxNewTokens());
  }

  @Override
  Limits limits() {
    return Limits.NONE;
  }

  @Override
  List<Row> answered(Asked asked, Request request, Result result) {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < result.completions().size(); i++) {
      rows.add(
          table.answered(
              asked.row(),
              asked.item(),
              i,
              request.prompts().get(i),
              result.completions().get(i),
              result.stats()));
    }
    return rows;
  }

  @Override
  List<Row> failed(Asked asked, Failure failure) {
    return List.copyOf(table.failed(asked.row(), asked.item(), failure));
  }
}
