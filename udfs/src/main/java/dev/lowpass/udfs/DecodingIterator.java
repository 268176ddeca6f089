package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.EngineClient;
import dev.lowpass.pipeline.engine.GenerationOptions;
import dev.lowpass.pipeline.engine.Limits;
import dev.lowpass.pipeline.engine.Request;
import dev.lowpass.pipeline.engine.Result;
import java.util.Iterator;
import java.util.List;
import java.util.function.Supplier;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Row;

/**
 * The rows of one task's documents, for the {@link OutputTable}: documents that it passes on have
 * theirs already.
 */
final class DecodingIterator extends EngineIterator<Row, Document, Row> {
  private final Run run;
  private final OutputTable table;
  private final DocumentReader reader;
  private final Supplier<Engine> engines;

  /** Null until there is a document for it. */
  private Engine engine;

  /**
   * @param rows as {@code reader} takes them
   * @param engines called when the first document needs it
   */
  DecodingIterator(
      Iterator<Row> rows,
      Run run,
      OutputTable table,
      Counters counters,
      DocumentReader reader,
      TaskContext task,
      Supplier<Engine> engines) {
    super(rows, counters, task);
    this.run = run;
    this.table = table;
    this.reader = reader;
    this.engines = engines;
  }

  @Override
  void read(Row row) {
    if (row.isNullAt(DocumentReader.ID)) {
      emit(row.getStruct(DocumentReader.DONE));
      return;
    }
    Document document = reader.read(row);
    if (document.error() != null) {
      fail(document, document.error());
    } else {
      submit(document);
    }
  }

  @Override
  EngineClient connect() {
    engine = engines.get();
    return engine.client(Requests.examples(engine.tokenizer()));
  }

  @Override
  Request request(Document document) {
    return Requests.about(document.text(), run.task(), run.policy(), run.limits(), engine);
  }

  @Override
  GenerationOptions generation(Document document) {
    GenerationOptions options = run.generation().options();
    return run.task().details().confidence() ? options.withProbabilities() : options;
  }

  @Override
  Limits limits() {
    return run.limits().inEngine();
  }

  @Override
  List<Row> answered(Document document, Request request, Result result) {
    return List.of(table.ok(document, result));
  }

  @Override
  List<Row> failed(Document document, Failure failure) {
    return List.of(table.failed(document, failure));
  }
}
