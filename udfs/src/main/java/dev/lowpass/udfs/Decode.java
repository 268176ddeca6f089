package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.DocumentException;
import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.Request;
import dev.lowpass.pipeline.engine.Result;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.text.Prompts;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Turns rows of a {@link Corpus} into rows of the {@link OutputTable}, lazily and one at a time:
 * the executor's engine serves all its tasks at once. What is wrong with a document ends in its
 * row; only a model that cannot be loaded fails the job.
 */
final class Decode implements MapPartitionsFunction<Row, Row> {
  private final Run run;
  private final StructType kept;
  private final Counters counters;
  private final Broadcast<SerializableConfiguration> hadoop;

  Decode(Run run, StructType kept, Counters counters, Broadcast<SerializableConfiguration> hadoop) {
    this.run = run;
    this.kept = kept;
    this.counters = counters;
    this.hadoop = hadoop;
  }

  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    Configuration configuration = hadoop.value().value();
    OutputTable table = new OutputTable(run, kept);
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return rows.hasNext();
      }

      @Override
      public Row next() {
        Document document = DocumentReader.read(rows.next(), kept.size(), configuration);
        return decode(document, table, configuration);
      }
    };
  }

  private Row decode(Document document, OutputTable table, Configuration configuration) {
    if (document.error() != null) {
      return failed(table, document, document.error());
    }
    Engine engine = Engines.get(run.engine(), configuration);
    try {
      Result result = complete(engine, document.text());
      Row row = table.ok(document, result);
      counters.ok(result);
      return row;
    } catch (DocumentException e) {
      return failed(table, document, new Failure(e.type(), e.getMessage()));
    } catch (CancellationException | ModelException e) {
      // The task is being killed, or the model's template cannot be used: neither says anything
      // about the document.
      throw e;
    } catch (RuntimeException e) {
      return failed(table, document, new Failure(Failure.INTERNAL, String.valueOf(e)));
    }
  }

  private Result complete(Engine engine, String text) {
    TextTokenizer tokenizer = engine.tokenizer();
    List<int[]> prompts =
        run.task().conversations(text).stream().map(tokenizer::encodeChat).toList();
    return engine.complete(request(tokenizer, prompts, text), run.generation().options());
  }

  /** With where the document ends and what is asked of it, where some of it is dropped. */
  private Request request(TextTokenizer tokenizer, List<int[]> prompts, String text) {
    if (!run.policy().bounded() && !run.policy().scores()) {
      return Request.of(prompts);
    }
    List<String> probes = run.task().probes();
    if (run.policy().cache().probe().equals("all")) {
      probes = List.of(String.join("", probes));
    }
    return Request.about(
        tokenizer.encodeChat(Prompts.document(text)),
        prompts,
        probes.stream().map(tokenizer::encode).toList());
  }

  private Row failed(OutputTable table, Document document, Failure failure) {
    counters.failed();
    return table.failed(document, failure);
  }
}
