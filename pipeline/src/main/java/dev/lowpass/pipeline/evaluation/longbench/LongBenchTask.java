package dev.lowpass.pipeline.evaluation.longbench;

import dev.lowpass.pipeline.evaluation.metrics.Classification;
import dev.lowpass.pipeline.evaluation.metrics.CodeSimilarity;
import dev.lowpass.pipeline.evaluation.metrics.NumberMatch;
import dev.lowpass.pipeline.evaluation.metrics.QaF1;
import dev.lowpass.pipeline.evaluation.metrics.Rouge;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** LongBench's 21 tasks, English and Chinese, each with its metric. */
public enum LongBenchTask {
  NARRATIVEQA("narrativeqa", QaF1::english),
  QASPER("qasper", QaF1::english),
  MULTIFIELDQA_EN("multifieldqa_en", QaF1::english),
  MULTIFIELDQA_ZH("multifieldqa_zh", QaF1::chinese),
  HOTPOTQA("hotpotqa", QaF1::english),
  TWO_WIKI_MQA("2wikimqa", QaF1::english),
  MUSIQUE("musique", QaF1::english),
  DUREADER("dureader", Rouge::chinese),
  GOV_REPORT("gov_report", Rouge::english),
  QMSUM("qmsum", Rouge::english),
  MULTI_NEWS("multi_news", Rouge::english),
  VCSUM("vcsum", Rouge::chinese),
  TREC("trec", Classification::score, Answer.FIRST_LINE),
  TRIVIAQA("triviaqa", QaF1::english, Answer.FIRST_LINE),
  SAMSUM("samsum", Rouge::english, Answer.FIRST_LINE),
  LSHT("lsht", Classification::score, Answer.FIRST_LINE),
  PASSAGE_COUNT("passage_count", NumberMatch::count),
  PASSAGE_RETRIEVAL_EN("passage_retrieval_en", NumberMatch::paragraph),
  PASSAGE_RETRIEVAL_ZH("passage_retrieval_zh", NumberMatch::chineseParagraph),
  LCC("lcc", CodeSimilarity::score),
  REPOBENCH_P("repobench-p", CodeSimilarity::score);

  /** What of a prediction is its answer. */
  private enum Answer {
    WHOLE,
    /** Few-shot prompts make a model go on with further examples. */
    FIRST_LINE
  }

  private interface Metric {
    double score(String prediction, String reference, List<String> classes);
  }

  private interface PairMetric {
    double score(String prediction, String reference);
  }

  private final String id;
  private final Metric metric;
  private final Answer answer;

  LongBenchTask(String id, PairMetric metric) {
    this(id, metric, Answer.WHOLE);
  }

  LongBenchTask(String id, PairMetric metric, Answer answer) {
    this(id, (prediction, reference, classes) -> metric.score(prediction, reference), answer);
  }

  LongBenchTask(String id, Metric metric, Answer answer) {
    this.id = id;
    this.metric = metric;
    this.answer = answer;
  }

  /** LongBench's name of it. */
  public String id() {
    return id;
  }

  /** The task of that name. */
  public static Optional<LongBenchTask> of(String id) {
    return Arrays.stream(values()).filter(task -> task.id.equals(id)).findFirst();
  }

  /**
   * The score of a prediction, 0 to 1: the best over its references.
   *
   * @throws IllegalArgumentException if a reference is not one of this task
   */
  public double score(LongBenchPrediction prediction) {
    return score(prediction.prediction(), prediction.answers(), prediction.classes());
  }

  /** The same of a prediction's parts. */
  public double score(String prediction, List<String> answers, List<String> classes) {
    String text = answer == Answer.FIRST_LINE ? firstLine(prediction) : prediction;
    double best = 0;
    for (String reference : answers) {
      best = Math.max(best, metric.score(text, reference, classes));
    }
    return best;
  }

  /** The prompt up to the end of the context. */
  public String document(String context) {
    return prompt().document(context);
  }

  /** What follows the context in the prompt. */
  public String question(String input) {
    return prompt().question(input);
  }

  /** Tokens of the longest answer. */
  public int maxNewTokens() {
    return prompt().maxNewTokens();
  }

  /** Whether the prompt goes into a chat template: not where it lists examples. */
  public boolean chat() {
    return prompt().chat();
  }

  private LongBenchPrompt prompt() {
    return LongBenchPrompt.of(id);
  }

  private static String firstLine(String text) {
    String stripped = text.replaceFirst("^\\n+", "");
    int end = stripped.indexOf('\n');
    return end < 0 ? stripped : stripped.substring(0, end);
  }
}
