package dev.lowpass.pipeline.evaluation.ruler;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Variables assigned from one another, among noise: RULER's {@code vt}. Ahead of each question
 * stands a small one with its answer.
 */
final class VariableTracking implements SampleGenerator {
  private static final String TEMPLATE =
      "Memorize and track the chain(s) of variable assignment hidden in the following text.\n\n"
          + "{context}\n"
          + "Question: Find all variables that are assigned the value {query} in the text above.";

  private static final String ANSWER_PREFIX =
      " Answer: According to the chain(s) of variable assignment in the text above, {num_v}"
          + " variables are assigned the value {query}, they are: ";

  private static final String LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  private static final int HOPS = 4;
  private static final int NAME_LETTERS = 5;
  static final int ANSWER_TOKENS = 30;
  private static final int STEP = 10;
  private static final int SHORT_STEP = 5;

  private static final int EXAMPLE_TOKENS = 500;
  private static final int EXAMPLE_STEP = 5;
  private static final int EXAMPLE_NAME_LETTERS = 3;
  private static final String EXAMPLE_VALUE = "12345";

  private final RulerSettings settings;
  private final PythonRandom random;
  private final NumpyRandom values;

  VariableTracking(RulerSettings settings) {
    this.settings = settings;
    this.random = new PythonRandom(settings.seed());
    this.values = new NumpyRandom(settings.seed());
  }

  @Override
  public List<RulerSample> generate(int count) {
    SizeFit.Draw solved = example();
    String example = solved.prompt() + " " + String.join(" ", solved.outputs()) + "\n";
    int step = settings.maxTokens() < NeedleTask.SHORT_TOKENS ? SHORT_STEP : STEP;
    SizeFit fit = new SizeFit(settings.counter(), settings.maxTokens(), ANSWER_TOKENS, step);
    int upperBound = fit.upperBound(draw(step).prompt(), step);
    int size = fit.largest(upperBound, settings.counter().count(example), this::draw);
    List<RulerSample> samples = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      SizeFit.Draw drawn = fit.draw(size, n -> behind(example, draw(n)));
      samples.add(
          RulerSample.of(
              i, drawn.prompt(), drawn.outputs(), fit.tokens(drawn.prompt()), ANSWER_PREFIX));
    }
    return samples;
  }

  private SizeFit.Draw example() {
    SizeFit fit = new SizeFit(settings.counter(), EXAMPLE_TOKENS, 0, EXAMPLE_STEP);
    int upperBound = fit.upperBound(drawExample(EXAMPLE_STEP).prompt(), EXAMPLE_STEP);
    return fit.draw(fit.largest(upperBound, 0, this::drawExample), this::drawExample);
  }

  private SizeFit.Draw drawExample(int size) {
    List<String> names = names(EXAMPLE_NAME_LETTERS);
    return draw(names, EXAMPLE_VALUE, size);
  }

  private SizeFit.Draw draw(int size) {
    List<String> names = names(NAME_LETTERS);
    return draw(names, Integer.toString(values.between(10_000, 99_999)), size);
  }

  private List<String> names(int letters) {
    Set<String> names = new LinkedHashSet<>();
    while (names.size() < HOPS + 1) {
      names.add(random.letters(LETTERS, letters));
    }
    return List.copyOf(names);
  }

  private SizeFit.Draw draw(List<String> names, String value, int size) {
    List<String> lines = new ArrayList<>(Collections.nCopies(size, NeedleTask.NOISE));
    List<Integer> places = new ArrayList<>(random.sample(size, names.size()));
    Collections.sort(places);
    for (int i = 0; i < names.size(); i++) {
      String assigned = i == 0 ? value : "VAR " + names.get(i - 1) + " ";
      lines.add(places.get(i) + i, "VAR " + names.get(i) + " = " + assigned);
    }
    String context = String.join("\n", lines).replace(". \n", ".\n");
    String prompt =
        Template.fill(
            TEMPLATE + ANSWER_PREFIX,
            Map.of("context", context, "query", value, "num_v", Integer.toString(names.size())));
    return new SizeFit.Draw(prompt, names);
  }

  /** The question behind the example, whose names and value are drawn anew. */
  private SizeFit.Draw behind(String example, SizeFit.Draw question) {
    String renamed = example;
    String[] words = example.strip().split("\\s+");
    for (int i = words.length - HOPS - 1; i < words.length; i++) {
      renamed = renamed.replace(words[i], random.letters(LETTERS, words[i].length()));
    }
    renamed = renamed.replace(EXAMPLE_VALUE, Integer.toString(values.between(10_000, 99_999)));
    return new SizeFit.Draw(renamed + "\n" + question.prompt(), question.outputs());
  }
}
