package dev.lowpass.pipeline.evaluation.ruler;

import dev.lowpass.pipeline.evaluation.EvaluationException;
import dev.lowpass.pipeline.evaluation.metrics.StringMatch;
import dev.lowpass.pipeline.evaluation.ruler.NeedleTask.Filler;
import dev.lowpass.pipeline.evaluation.ruler.NeedleTask.Kind;
import dev.lowpass.pipeline.evaluation.ruler.NeedleTask.Variant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** RULER's thirteen tasks. */
public enum RulerTask {
  NIAH_SINGLE_1("niah_single_1", new Variant(Filler.NOISE, Kind.WORDS, Kind.NUMBERS, 1, 1, 1)),
  NIAH_SINGLE_2("niah_single_2", new Variant(Filler.ESSAY, Kind.WORDS, Kind.NUMBERS, 1, 1, 1)),
  NIAH_SINGLE_3("niah_single_3", new Variant(Filler.ESSAY, Kind.WORDS, Kind.UUIDS, 1, 1, 1)),
  NIAH_MULTIKEY_1("niah_multikey_1", new Variant(Filler.ESSAY, Kind.WORDS, Kind.NUMBERS, 4, 1, 1)),
  NIAH_MULTIKEY_2(
      "niah_multikey_2", new Variant(Filler.NEEDLES, Kind.WORDS, Kind.NUMBERS, 1, 1, 1)),
  NIAH_MULTIKEY_3("niah_multikey_3", new Variant(Filler.NEEDLES, Kind.UUIDS, Kind.UUIDS, 1, 1, 1)),
  NIAH_MULTIVALUE("niah_multivalue", new Variant(Filler.ESSAY, Kind.WORDS, Kind.NUMBERS, 1, 4, 1)),
  NIAH_MULTIQUERY("niah_multiquery", new Variant(Filler.ESSAY, Kind.WORDS, Kind.NUMBERS, 4, 1, 4)),
  VARIABLE_TRACKING("vt", VariableTracking.ANSWER_TOKENS, VariableTracking::new),
  COMMON_WORDS("cwe", CommonWords.ANSWER_TOKENS, CommonWords::new),
  FREQUENT_WORDS("fwe", FrequentWords.ANSWER_TOKENS, FrequentWords::new),
  QA_1(
      "qa_1",
      QuestionAnswering.ANSWER_TOKENS,
      s -> new QuestionAnswering(s.sources().requireSquad(), s)),
  QA_2(
      "qa_2",
      QuestionAnswering.ANSWER_TOKENS,
      s -> new QuestionAnswering(s.sources().requireHotpotQa(), s));

  private final String id;
  private final int maxNewTokens;
  private final Function<RulerSettings, SampleGenerator> generator;

  RulerTask(String id, Variant variant) {
    this(id, NeedleTask.ANSWER_TOKENS, settings -> new NeedleTask(variant, settings));
  }

  RulerTask(String id, int maxNewTokens, Function<RulerSettings, SampleGenerator> generator) {
    this.id = id;
    this.maxNewTokens = maxNewTokens;
    this.generator = generator;
  }

  /** RULER's name of it. */
  public String id() {
    return id;
  }

  /** Tokens of the longest answer. */
  public int maxNewTokens() {
    return maxNewTokens;
  }

  /** What of a sample's input is its question: what follows the text that it is about. */
  public String questionOf(String input) {
    String start =
        switch (this) {
          case VARIABLE_TRACKING, COMMON_WORDS, FREQUENT_WORDS -> "\nQuestion: ";
          case QA_1, QA_2 -> QuestionAnswering.QUESTION_START;
          default -> "\nWhat ";
        };
    int at = input.lastIndexOf(start);
    if (at < 0) {
      throw new EvaluationException(id + ": input has no '" + start.strip() + "'");
    }
    return input.substring(at);
  }

  /** The task of that name. */
  public static Optional<RulerTask> of(String id) {
    return Arrays.stream(values()).filter(task -> task.id.equals(id)).findFirst();
  }

  /** Whether there is what its samples are made of. */
  public boolean hasSource(RulerSources sources) {
    return switch (this) {
      case NIAH_SINGLE_2, NIAH_SINGLE_3, NIAH_MULTIKEY_1, NIAH_MULTIVALUE, NIAH_MULTIQUERY ->
          sources.haystack() != null;
      case QA_1 -> sources.squad() != null;
      case QA_2 -> sources.hotpotQa() != null;
      case NIAH_SINGLE_1,
          NIAH_MULTIKEY_2,
          NIAH_MULTIKEY_3,
          VARIABLE_TRACKING,
          COMMON_WORDS,
          FREQUENT_WORDS ->
          true;
    };
  }

  /**
   * Makes the first {@code count} samples of a set.
   *
   * @throws EvaluationException if a source is missing, or no sample fits the length
   */
  public List<RulerSample> generate(RulerSettings settings, int count) {
    try {
      return generator.apply(settings).generate(count);
    } catch (EvaluationException | SizeException e) {
      throw new EvaluationException(id + ": " + e.getMessage(), e);
    }
  }

  /** The score of an answer, 0 to 1: the share of the outputs in it; in QA, whether one is. */
  public double score(String answer, List<String> outputs) {
    return this == QA_1 || this == QA_2
        ? StringMatch.any(answer, outputs)
        : StringMatch.all(answer, outputs);
  }
}
