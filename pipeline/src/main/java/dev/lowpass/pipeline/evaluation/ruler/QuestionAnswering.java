package dev.lowpass.pipeline.evaluation.ruler;

import dev.lowpass.pipeline.evaluation.EvaluationException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A question on one or a few of many documents: RULER's {@code qa}. */
final class QuestionAnswering implements SampleGenerator {
  private static final String ASK =
      "Answer the question based on the given documents. Only give me the answer and do not output"
          + " any other words.";

  private static final String TEMPLATE =
      ASK
          + "\n\nThe following are given documents.\n\n{context}\n\n"
          + ASK
          + "\n\nQuestion: {query}";

  /** Stands behind the documents, and in that form nowhere else. */
  static final String QUESTION_START = "\n\n" + ASK + "\n\nQuestion: ";

  private static final String ANSWER_PREFIX = " Answer:";

  static final int ANSWER_TOKENS = 32;
  private static final int STEP = 10;

  private final QuestionSet set;
  private final RulerSettings settings;
  private final PythonRandom random;

  QuestionAnswering(QuestionSet set, RulerSettings settings) {
    this.set = set;
    this.settings = settings;
    this.random = new PythonRandom(settings.seed());
  }

  @Override
  public List<RulerSample> generate(int count) {
    if (count > set.questions().size()) {
      throw new EvaluationException(
          "%d samples are more than there are questions (%d)"
              .formatted(count, set.questions().size()));
    }
    SizeFit fit = new SizeFit(settings.counter(), settings.maxTokens(), ANSWER_TOKENS, STEP);
    QuestionSet.Question first = set.questions().get(0);
    int upperBound = fit.upperBound(draw(first, STEP).prompt(), STEP);
    int size = fit.largest(upperBound, 0, documents -> draw(first, documents));
    List<RulerSample> samples = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      QuestionSet.Question question = set.questions().get(i);
      SizeFit.Draw drawn = fit.draw(size, documents -> draw(question, documents));
      samples.add(
          RulerSample.of(
              i, drawn.prompt(), drawn.outputs(), fit.tokens(drawn.prompt()), ANSWER_PREFIX));
    }
    return samples;
  }

  private SizeFit.Draw draw(QuestionSet.Question question, int count) {
    List<String> documents = documents(question, count);
    new PythonRandom(settings.seed()).shuffle(documents);
    String context =
        IntStream.range(0, documents.size())
            .mapToObj(i -> "Document " + (i + 1) + ":\n" + documents.get(i))
            .collect(Collectors.joining("\n\n"));
    return new SizeFit.Draw(
        Template.fill(
            TEMPLATE + ANSWER_PREFIX, Map.of("context", context, "query", question.text())),
        question.answers());
  }

  /** Those that answer the question, then related ones, then any; all of them over and over. */
  private List<String> documents(QuestionSet.Question question, int count) {
    int all = set.documents().size();
    if (count >= all) {
      return new ArrayList<>(
          IntStream.range(0, count).mapToObj(i -> set.documents().get(i % all)).toList());
    }
    List<Integer> chosen = new ArrayList<>(question.gold());
    int others = count - question.gold().size();
    if (others > question.related().size()) {
      chosen.addAll(question.related());
      Set<Integer> taken = new HashSet<>(chosen);
      List<Integer> rest = IntStream.range(0, all).filter(i -> !taken.contains(i)).boxed().toList();
      chosen.addAll(random.sample(rest, Math.max(0, count - chosen.size())));
    } else {
      chosen.addAll(random.sample(question.related(), others));
    }
    return new ArrayList<>(chosen.stream().map(set.documents()::get).toList());
  }
}
