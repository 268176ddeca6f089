package dev.lowpass.udfs;

import dev.lowpass.pipeline.text.ExtractionField;
import dev.lowpass.pipeline.text.ExtractionSchema;
import dev.lowpass.pipeline.text.Message;
import dev.lowpass.pipeline.text.Prompts;
import java.io.Serializable;
import java.util.List;

/** What is asked of each document. Travels to the executors. */
public sealed interface DocumentTask extends Serializable {
  /** The command's name: {@code summarize} or {@code extract}. */
  String command();

  /** One conversation for each completion that a document needs. */
  List<List<Message>> conversations(String document);

  /** What each conversation asks of the document: a probe reads it with this in mind. */
  List<String> probes();

  /** One summary a document. */
  record Summarize(String instruction) implements DocumentTask {
    @Override
    public String command() {
      return "summarize";
    }

    @Override
    public List<List<Message>> conversations(String document) {
      return List.of(Prompts.summarize(document, instruction));
    }

    @Override
    public List<String> probes() {
      return List.of(Prompts.summaryProbe(instruction));
    }
  }

  /**
   * One typed value for each property of a JSON Schema.
   *
   * @param name where the schema comes from, for messages
   * @param json the schema's text
   */
  record Extract(String name, String json) implements DocumentTask {
    @Override
    public String command() {
      return "extract";
    }

    /** The schema's properties, in its order. */
    public List<ExtractionField> fields() {
      return schema().fields();
    }

    ExtractionSchema schema() {
      return ExtractionSchema.parse(name, json);
    }

    @Override
    public List<List<Message>> conversations(String document) {
      return fields().stream().map(field -> Prompts.extract(document, field)).toList();
    }

    @Override
    public List<String> probes() {
      return fields().stream().map(Prompts::fieldProbe).toList();
    }
  }
}
