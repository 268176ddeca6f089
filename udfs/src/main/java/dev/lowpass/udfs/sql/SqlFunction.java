package dev.lowpass.udfs.sql;

import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.text.Prompts;
import dev.lowpass.pipeline.text.TextChunks;
import dev.lowpass.udfs.DocumentTask;
import dev.lowpass.udfs.InputException;
import dev.lowpass.udfs.settings.SettingKeys;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.errors.QueryCompilationErrors;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.NullType;
import scala.Tuple3;
import scala.collection.immutable.Seq;

/** The functions that SQL gets. */
public enum SqlFunction {
  SUMMARIZE(
      "lowpass_summarize",
      "_FUNC_(text[, instruction]) - The model's summary of the text; the constant instruction says"
          + " of what kind.",
      1,
      2) {
    @Override
    Expression call(List<Expression> arguments, SessionSettings settings) {
      String instruction =
          arguments.size() == 1
              ? Prompts.DEFAULT_INSTRUCTION
              : constant(arguments.get(1), "instruction");
      return ask(new DocumentTask.Summarize(instruction), arguments.get(0), settings);
    }
  },
  EXTRACT(
      "lowpass_extract",
      "_FUNC_(text, schema) - What the text states, as a struct of the JSON Schema's properties; the"
          + " schema is a constant: its text, or its file.",
      2,
      2) {
    @Override
    Expression call(List<Expression> arguments, SessionSettings settings) {
      String schema = constant(arguments.get(1), "schema");
      DocumentTask task;
      try {
        task =
            schema.strip().startsWith("{")
                ? DocumentTask.extract("schema", schema)
                : DocumentTask.extract(schema, read(schema, settings));
      } catch (ModelException e) {
        throw QueryErrors.schema(sqlName(), e);
      }
      return ask(task, arguments.get(0), settings);
    }
  },
  GENERATE("lowpass_generate", "_FUNC_(prompt) - What the model answers to the prompt.", 1, 1) {
    @Override
    Expression call(List<Expression> arguments, SessionSettings settings) {
      return ask(new DocumentTask.Generate(settings.chat()), arguments.get(0), settings);
    }
  },
  COUNT_TOKENS(
      "lowpass_count_tokens", "_FUNC_(text) - How many tokens the text has for the model.", 1, 1) {
    @Override
    Expression call(List<Expression> arguments, SessionSettings settings) {
      return new TokenizerCall(
          TokenizerCall.Kind.COUNT, sqlName(), settings.tokenizer(), Scala.seq(arguments));
    }
  },
  CHUNKS(
      "lowpass_chunks",
      "_FUNC_(text, tokens, overlap) - The text in pieces of so many tokens, each of which begins"
          + " with the last overlap tokens of the one before.",
      3,
      3) {
    @Override
    Expression call(List<Expression> arguments, SessionSettings settings) {
      checkChunks(arguments.get(1), arguments.get(2));
      return new TokenizerCall(
          TokenizerCall.Kind.CHUNKS, sqlName(), settings.tokenizer(), Scala.seq(arguments));
    }
  };

  private final String sqlName;
  private final String usage;
  private final int fewest;
  private final int most;

  SqlFunction(String sqlName, String usage, int fewest, int most) {
    this.sqlName = sqlName;
    this.usage = usage;
    this.fewest = fewest;
    this.most = most;
  }

  /** As SQL has it. */
  public String sqlName() {
    return sqlName;
  }

  /** Makes it known to sessions. */
  public void inject(SparkSessionExtensions extensions) {
    extensions.injectFunction(
        new Tuple3<>(
            new FunctionIdentifier(sqlName),
            new ExpressionInfo(
                SqlFunction.class.getName(),
                /* db= */ null,
                sqlName,
                usage,
                /* arguments= */ "",
                /* examples= */ "",
                /* note= */ "",
                "string_funcs",
                /* since= */ "",
                /* deprecated= */ "",
                "java_udf"),
            this::resolve));
  }

  private Expression resolve(Seq<Expression> given) {
    if (given.size() < fewest || given.size() > most) {
      throw QueryErrors.thrown(
          QueryCompilationErrors.wrongNumArgsError(
              sqlName,
              Scala.<Object>seq(IntStream.rangeClosed(fewest, most).boxed().toList()),
              given.size(),
              "",
              "",
              ""));
    }
    // Spark gives NULL a type where it is asked to cast; a text is not asked to be anything else.
    List<Expression> arguments =
        Scala.list(given).stream()
            .map(
                argument ->
                    argument.dataType() instanceof NullType
                        ? Literal.create(/* v= */ null, DataTypes.StringType)
                        : argument)
            .toList();
    try {
      return call(arguments, SessionSettings.active());
    } catch (ModelException | InputException e) {
      throw QueryErrors.settings(sqlName, SettingKeys.inKeys(e.getMessage()), e);
    }
  }

  /**
   * The function's expression.
   *
   * @throws ModelException if the session's model cannot be used
   * @throws InputException if the session's settings make no sense
   */
  abstract Expression call(List<Expression> arguments, SessionSettings settings);

  Expression ask(DocumentTask task, Expression text, SessionSettings settings) {
    return new ModelCall(settings.function(sqlName, task), text);
  }

  /** An argument that decides what the function is, and cannot come from rows. */
  String constant(Expression argument, String name) {
    Object value = argument.foldable() ? argument.eval(null) : null;
    if (value == null || !DataTypes.StringType.acceptsType(argument.dataType())) {
      throw QueryErrors.thrown(
          QueryCompilationErrors.nonFoldableArgumentError(sqlName, name, DataTypes.StringType));
    }
    return value.toString();
  }

  /** Checks what can be checked ahead of rows. */
  void checkChunks(Expression tokens, Expression overlap) {
    if (tokens.foldable()
        && overlap.foldable()
        && tokens.eval(null) instanceof Integer size
        && overlap.eval(null) instanceof Integer shared) {
      try {
        TextChunks.check(size, shared);
      } catch (IllegalArgumentException e) {
        throw QueryErrors.arguments(sqlName, e);
      }
    }
  }

  private static String read(String file, SessionSettings settings) {
    Path path = new Path(file);
    try (FSDataInputStream in = path.getFileSystem(settings.hadoop()).open(path)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new ModelException(
          file + ": is no JSON object, and cannot be read as a file: " + e.getMessage(), e);
    }
  }
}
