package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.EngineClient;
import dev.lowpass.pipeline.engine.GenerationOptions;
import dev.lowpass.pipeline.engine.Limits;
import dev.lowpass.pipeline.engine.Request;
import dev.lowpass.pipeline.engine.Result;
import dev.lowpass.pipeline.schema.SchemaConstraint;
import dev.lowpass.pipeline.text.Prompts;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.util.Iterator;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.spark.TaskContext;
import org.apache.spark.sql.Row;

/**
 * The rows of one task's documents, for the {@link OutputTable}: documents that it passes on have
 * theirs already.
 */
final class DecodingIterator extends EngineIterator<Row, Document> {
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
    return engine.client(examples(engine.tokenizer()));
  }

  /** Two that have in common what all prompts of a run do: the template, up to the document. */
  private static List<int[]> examples(TextTokenizer tokenizer) {
    return Stream.of("A", "7").map(Prompts::document).map(tokenizer::encodeChat).toList();
  }

  @Override
  Request request(Document document) {
    run.limits().check(document.text());
    Request request = request(document.text());
    run.limits().check(request);
    return request;
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
