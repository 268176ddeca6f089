package dev.lowpass.pipeline.evaluation.ruler;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The ten most common words of a list: RULER's {@code cwe}. Ahead of each question stands a small
 * one with its answer.
 */
final class CommonWords implements SampleGenerator {
  private static final String TEMPLATE =
      "Below is a numbered list of words. In these words, some appear more often than others."
          + " Memorize the ones that appear most often.\n{context}\n"
          + "Question: What are the 10 most common words in the above list?";

  private static final String ANSWER_PREFIX =
      " Answer: The top 10 words that appear most often in the list are:";

  private static final int COMMON = 10;
  static final int ANSWER_TOKENS = 120;
  private static final int STEP = 10;

  /** Distinct words of the list by which RULER estimates how many tokens a word takes. */
  private static final int ESTIMATE_WORDS = 4096;

  /**
   * A list's make-up.
   *
   * @param common how often each common word stands in it
   * @param uncommon how often each other word does
   */
  private record Frequencies(int common, int uncommon) {}

  private record WordList(String text, List<String> common) {}

  private final RulerSettings settings;
  private final PythonRandom random;
  private final List<String> words;
  private final boolean isShort;

  CommonWords(RulerSettings settings) {
    this.settings = settings;
    this.random = new PythonRandom(settings.seed());
    this.words = new ArrayList<>(settings.sources().words().all());
    new PythonRandom(settings.seed()).shuffle(words);
    this.isShort = settings.maxTokens() < NeedleTask.SHORT_TOKENS;
  }

  @Override
  public List<RulerSample> generate(int count) {
    SizeFit fit = new SizeFit(settings.counter(), settings.maxTokens(), ANSWER_TOKENS, STEP);
    int size = fit.largest(upperBound(draw(ESTIMATE_WORDS).prompt()), 0, this::draw);
    List<RulerSample> samples = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      SizeFit.Draw drawn = fit.draw(size, this::draw);
      samples.add(
          RulerSample.of(
              i, drawn.prompt(), drawn.outputs(), fit.tokens(drawn.prompt()), ANSWER_PREFIX));
    }
    return samples;
  }

  /** Twice the words that the sample's tokens suggest. */
  private int upperBound(String sample) {
    double tokensPerWord = (double) settings.counter().count(sample) / ESTIMATE_WORDS;
    return Math.max((int) Math.floor(settings.maxTokens() / tokensPerWord) * 2, 2 * STEP);
  }

  private SizeFit.Draw draw(int distinctWords) {
    WordList example = isShort ? list(20, new Frequencies(3, 1)) : list(40, new Frequencies(10, 3));
    WordList question =
        list(distinctWords, isShort ? new Frequencies(6, 1) : new Frequencies(30, 3));
    return new SizeFit.Draw(
        prompt(example) + " " + numbered(example.common) + "\n" + prompt(question),
        question.common);
  }

  private static String prompt(WordList list) {
    return Template.fill(TEMPLATE + ANSWER_PREFIX, Map.of("context", list.text));
  }

  private WordList list(int distinctWords, Frequencies frequencies) {
    if (distinctWords < COMMON) {
      throw new SizeException(distinctWords + " words, of which " + COMMON + " are common");
    }
    List<String> source = distinctWords <= words.size() ? words : settings.sources().words().more();
    List<String> drawn = random.sample(source, distinctWords);
    List<String> common = drawn.subList(0, COMMON);
    List<String> list = new ArrayList<>();
    Collections.nCopies(frequencies.common, common).forEach(list::addAll);
    Collections.nCopies(frequencies.uncommon, drawn.subList(COMMON, drawn.size()))
        .forEach(list::addAll);
    new PythonRandom(settings.seed()).shuffle(list);
    return new WordList(numbered(list), common);
  }

  private static String numbered(List<String> words) {
    return IntStream.range(0, words.size())
        .mapToObj(i -> (i + 1) + ". " + words.get(i))
        .collect(Collectors.joining(" "));
  }
}
