package dev.lowpass.pipeline.evaluation.suite;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lowpass.pipeline.evaluation.EvaluationException;
import dev.lowpass.pipeline.evaluation.longbench.LongBenchTask;
import dev.lowpass.pipeline.evaluation.metrics.RougeScore;
import dev.lowpass.pipeline.evaluation.metrics.StringMatch;
import dev.lowpass.pipeline.evaluation.ruler.NeedleGrid;
import dev.lowpass.pipeline.evaluation.ruler.RulerTask;
import dev.lowpass.pipeline.text.ExtractionField;
import dev.lowpass.pipeline.text.ExtractionSchema;
import dev.lowpass.pipeline.text.Prompts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** The suites that a model can be run over, and what their rows are. */
public enum Suite {
  /** One sentence hidden in a text, over depth and length. */
  NEEDLE("score of its needles, by depth and length") {
    @Override
    Item item(SuiteRow row, JsonNode json, SuiteSettings settings) {
      List<String> outputs = Rows.strings(json, "outputs");
      String input = Rows.text(json, "input");
      String question = Rows.text(json, "question", "");
      Integer made = Rows.integer(json, "context_length");
      return new Item(
          row.task(),
          made == null ? row.length() : made,
          Rows.integer(json, "depth_percent"),
          before(input, question),
          List.of(Question.only(question, outputs, answer -> NeedleGrid.score(answer, outputs))),
          Rows.text(json, "answer_prefix", ""),
          NeedleGrid.ANSWER_TOKENS,
          /* chat= */ true,
          /* truncated= */ false);
    }
  },

  /** RULER's synthetic tasks (Hsieh et al. 2024). */
  RULER("share of the right strings in the answer") {
    @Override
    Item item(SuiteRow row, JsonNode json, SuiteSettings settings) {
      RulerTask task =
          RulerTask.of(row.task())
              .orElseThrow(() -> new EvaluationException("RULER has no task " + row.task()));
      List<String> outputs = Rows.strings(json, "outputs");
      String input = Rows.text(json, "input");
      String question = task.questionOf(input);
      return new Item(
          row.task(),
          row.length() == null ? Rows.integer(json, "length") : row.length(),
          /* depth= */ null,
          before(input, question),
          List.of(Question.only(question, outputs, answer -> task.score(answer, outputs))),
          Rows.text(json, "answer_prefix", ""),
          task.maxNewTokens(),
          /* chat= */ true,
          /* truncated= */ false);
    }
  },

  /** LongBench's tasks (Bai et al. 2023). */
  LONGBENCH("LongBench's metric of each task") {
    @Override
    Item item(SuiteRow row, JsonNode json, SuiteSettings settings) {
      LongBenchTask task =
          LongBenchTask.of(row.task())
              .orElseThrow(() -> new EvaluationException("LongBench has no task " + row.task()));
      String context = Rows.text(json, "context");
      String input = Rows.text(json, "input", "");
      List<String> answers = Rows.strings(json, "answers");
      List<String> classes =
          json.hasNonNull("all_classes") ? Rows.strings(json, "all_classes") : List.of();
      String question = task.question(input);
      return new Item(
          row.task(),
          Rows.integer(json, "length"),
          /* depth= */ null,
          task.document(context),
          List.of(Question.only(question, answers, answer -> task.score(answer, answers, classes))),
          /* answerPrefix= */ "",
          task.maxNewTokens(),
          task.chat(),
          /* truncated= */ true);
    }
  },

  /** Fields of documents whose values are known, asked as {@code lowpass extract} asks. */
  EXTRACTION("share of the fields that are exactly right") {
    @Override
    Item item(SuiteRow row, JsonNode json, SuiteSettings settings) {
      JsonNode expected = json.path("fields");
      if (!expected.isObject()) {
        throw new EvaluationException("fields is missing or no object");
      }
      List<ExtractionField> fields =
          ExtractionSchema.parse(settings.schemaName(), settings.schema()).fields();
      List<Question> questions = new ArrayList<>();
      for (ExtractionField field : fields) {
        JsonNode right = expected.path(field.name());
        questions.add(
            new Question(
                field.name(),
                Prompts.extract("", field).get(0).content(),
                Prompts.fieldProbe(field),
                List.of(right.isMissingNode() ? "null" : right.asText()),
                answer -> FieldMatch.same(right, field.parse(answer).value()) ? 1 : 0));
      }
      return new Item(
          row.task(),
          /* length= */ null,
          /* depth= */ null,
          Rows.text(json, "text").strip(),
          questions,
          /* answerPrefix= */ "",
          FIELD_TOKENS,
          /* chat= */ true,
          /* truncated= */ false);
    }
  },

  /** Documents with a reference summary, asked as {@code lowpass summarize} asks. */
  SUMMARY("ROUGE-L against the reference") {
    @Override
    Item item(SuiteRow row, JsonNode json, SuiteSettings settings) {
      String reference = Rows.text(json, "summary");
      String question = Prompts.summaryProbe(Prompts.DEFAULT_INSTRUCTION);
      return new Item(
          row.task(),
          /* length= */ null,
          /* depth= */ null,
          Rows.text(json, "text").strip(),
          List.of(
              Question.only(
                  question, List.of(reference), answer -> RougeScore.l(answer, reference).f())),
          /* answerPrefix= */ "",
          SUMMARY_TOKENS,
          /* chat= */ true,
          /* truncated= */ false);
    }
  },

  /**
   * Several requests about one document, which is read and compressed once for all of them: rows of
   * SCBench (Li et al. 2024) in its mode of the same context and different queries.
   */
  SHARED("whether a right string is in the answer") {
    @Override
    Item item(SuiteRow row, JsonNode json, SuiteSettings settings) {
      JsonNode turns = json.path("multi_turns");
      if (!turns.isArray() || turns.isEmpty()) {
        throw new EvaluationException("multi_turns is missing or no list of questions");
      }
      List<Question> questions = new ArrayList<>();
      for (JsonNode turn : turns) {
        String text = "\n\n" + Rows.text(turn, "input");
        List<String> answers = Rows.strings(turn, "answer");
        questions.add(
            new Question(
                String.valueOf(questions.size() + 1),
                text,
                text,
                answers,
                answer -> StringMatch.any(answer, answers)));
      }
      return new Item(
          row.task(),
          Rows.integer(json, "length"),
          /* depth= */ null,
          Rows.text(json, "context"),
          questions,
          /* answerPrefix= */ "",
          SHARED_TOKENS,
          /* chat= */ true,
          /* truncated= */ true);
    }
  },

  /** How well the model foretells a text, token by token. */
  PERPLEXITY("exp of the mean loss of the second half of the tokens") {
    @Override
    Item item(SuiteRow row, JsonNode json, SuiteSettings settings) {
      List<Question> questions =
          settings.lengths().stream()
              .map(length -> new Question(length.toString(), "", "", List.of(), answer -> 0))
              .toList();
      return new Item(
          row.task(),
          /* length= */ null,
          /* depth= */ null,
          Rows.text(json, "text"),
          questions,
          /* answerPrefix= */ "",
          /* maxNewTokens= */ 1,
          /* chat= */ false,
          /* truncated= */ false);
    }
  };

  private static final int FIELD_TOKENS = 64;
  private static final int SUMMARY_TOKENS = 256;

  /** The most that SCBench allows the tasks whose answers are found in the text. */
  private static final int SHARED_TOKENS = 150;

  private final String measure;

  Suite(String measure) {
    this.measure = measure;
  }

  /** Its name on the command line. */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether its rows can be made from nothing but a tokenizer and some text. */
  public boolean made() {
    return this == NEEDLE || this == RULER;
  }

  /** What its scores are, for people. */
  public String measure() {
    return measure;
  }

  /** The suite of that name. */
  public static Optional<Suite> of(String id) {
    return Arrays.stream(values()).filter(suite -> suite.id().equals(id)).findFirst();
  }

  /** The names of all suites. */
  public static String ids() {
    return Arrays.stream(values()).map(Suite::id).collect(Collectors.joining(", "));
  }

  /**
   * Reads a row.
   *
   * @throws EvaluationException if it is not one of this suite, in one line
   */
  public static Item read(SuiteRow row, SuiteSettings settings) {
    return row.suite().item(row, Rows.object(row.json()), settings);
  }

  abstract Item item(SuiteRow row, JsonNode json, SuiteSettings settings);

  /** What a prompt has ahead of its question. */
  private static String before(String input, String question) {
    if (!input.endsWith(question)) {
      throw new EvaluationException("input does not end with its question");
    }
    return input.substring(0, input.length() - question.length());
  }
}
