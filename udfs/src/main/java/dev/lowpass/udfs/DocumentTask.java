package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.schema.Absence;
import dev.lowpass.pipeline.schema.SchemaConstraint;
import dev.lowpass.pipeline.schema.SchemaType;
import dev.lowpass.pipeline.text.ExtractionField;
import dev.lowpass.pipeline.text.ExtractionSchema;
import dev.lowpass.pipeline.text.Message;
import dev.lowpass.pipeline.text.Prompts;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.io.Serializable;
import java.util.List;
import org.apache.spark.sql.types.StructType;

/** What is asked of each document. Travels to the executors. */
public sealed interface DocumentTask extends Serializable {
  /** The command's name: {@code summarize}, {@code extract} or {@code generate}. */
  String command();

  /** The most tokens of an answer, unless somebody says otherwise. */
  int defaultMaxNewTokens();

  /** What a document is asked, as tokens: its {@link #conversations} in the chat template. */
  default List<int[]> prompts(String document, TextTokenizer tokenizer) {
    return conversations(document).stream().map(tokenizer::encodeChat).toList();
  }

  /**
   * Checks that its answers can be written that way.
   *
   * @throws InputException if not
   */
  default void check(Generation generation) {}

  /** One conversation for each completion that a document needs. */
  List<List<Message>> conversations(String document);

  /**
   * What each conversation asks of the document: a probe reads it with this in mind. None where the
   * document itself says it.
   */
  List<String> probes();

  /** What each answer has to satisfy; none where answers are free. */
  default List<SchemaConstraint> constraints(Engine engine) {
    return List.of();
  }

  /** What is told of each value that is extracted. */
  default FieldDetails details() {
    return FieldDetails.NONE;
  }

  /** {@link #extract(String, String, FieldDetails)} of the values alone. */
  static DocumentTask extract(String name, String json) {
    return extract(name, json, FieldDetails.NONE);
  }

  /**
   * Extracts by a JSON Schema. Where its properties are scalars without further conditions, each is
   * a question of its own; otherwise a document gets one answer, an object that satisfies it.
   *
   * @param name where the schema comes from, for messages
   * @throws ModelException if it is not supported
   */
  static DocumentTask extract(String name, String json, FieldDetails details) {
    Extract questions = new Extract(name, json, details);
    try {
      questions.fields();
      return questions;
    } catch (ModelException e) {
      return new ExtractObject(name, json, SchemaType.of(name, json), details);
    }
  }

  /** One summary a document. */
  record Summarize(String instruction) implements DocumentTask {
    @Override
    public String command() {
      return "summarize";
    }

    @Override
    public int defaultMaxNewTokens() {
      return 256;
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
  record Extract(String name, String json, FieldDetails details) implements DocumentTask {
    /** The values alone. */
    public Extract(String name, String json) {
      this(name, json, FieldDetails.NONE);
    }

    @Override
    public String command() {
      return "extract";
    }

    /** Of one field. */
    @Override
    public int defaultMaxNewTokens() {
      return 64;
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

  /**
   * One object that satisfies a JSON Schema.
   *
   * @param type of its rows
   */
  record ExtractObject(String name, String json, SchemaType.Struct type, FieldDetails details)
      implements DocumentTask {
    @Override
    public String command() {
      return "extract";
    }

    @Override
    public int defaultMaxNewTokens() {
      return 1024;
    }

    @Override
    public void check(Generation generation) {
      if (!generation.stop().isEmpty()) {
        throw new InputException("--stop could cut an object short; leave it out");
      }
    }

    /** The columns of {@code fields}. */
    public StructType columns() {
      return SchemaRows.columns(type);
    }

    @Override
    public List<List<Message>> conversations(String document) {
      return List.of(Prompts.extractObject(document, type.outline()));
    }

    @Override
    public List<String> probes() {
      return List.of(Prompts.objectProbe(type.outline()));
    }

    @Override
    public List<SchemaConstraint> constraints(Engine engine) {
      return List.of(engine.constraint(name, json, Absence.NULL));
    }
  }

  /**
   * Answers a document that is itself a prompt.
   *
   * @param chat whether it is a user's message; else the model continues it
   */
  record Generate(boolean chat) implements DocumentTask {
    @Override
    public String command() {
      return "generate";
    }

    @Override
    public int defaultMaxNewTokens() {
      return 256;
    }

    @Override
    public List<List<Message>> conversations(String prompt) {
      return List.of(List.of(new Message("user", prompt)));
    }

    @Override
    public List<int[]> prompts(String prompt, TextTokenizer tokenizer) {
      return chat
          ? DocumentTask.super.prompts(prompt, tokenizer)
          : List.of(tokenizer.encodeFirst(prompt));
    }

    @Override
    public List<String> probes() {
      return List.of();
    }
  }
}
