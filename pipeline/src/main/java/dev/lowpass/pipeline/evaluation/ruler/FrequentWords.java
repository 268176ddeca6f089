package dev.lowpass.pipeline.evaluation.ruler;

import dev.lowpass.pipeline.evaluation.EvaluationException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * The three most frequent words of a coded text, whose frequencies follow a zeta distribution of
 * exponent 2: RULER's {@code fwe}.
 */
final class FrequentWords implements SampleGenerator {
  private static final String TEMPLATE =
      "Read the following coded text and track the frequency of each coded word. Find the three"
          + " most frequently appeared coded words. {context}\n"
          + "Question: Do not provide any explanation. Please ignore the dots '....'. What are the"
          + " three most frequently appeared words in the above coded text?";

  private static final String ANSWER_PREFIX =
      " Answer: According to the coded text above, the three most frequently appeared words are:";

  private static final String LETTERS = "abcdefghijklmnopqrstuvwxyz";
  private static final String DOTS = "...";
  private static final int WORD_LETTERS = 6;
  static final int ANSWER_TOKENS = 50;
  private static final int ANSWERS = 3;

  /** Tokens of text for each word of the vocabulary. */
  private static final int TOKENS_PER_WORD = 50;

  private static final double ZETA_2 = Math.PI * Math.PI / 6;

  private final RulerSettings settings;
  private final PythonRandom random;
  private final int promptTokens;
  private final int step;

  FrequentWords(RulerSettings settings) {
    this.settings = settings;
    this.random = new PythonRandom(settings.seed());
    this.promptTokens = settings.maxTokens() - ANSWER_TOKENS;
    this.step = promptTokens / 32;
    int smallest = ANSWER_TOKENS + TOKENS_PER_WORD * (ANSWERS + 1);
    if (settings.maxTokens() < smallest) {
      throw new EvaluationException(
          "%d tokens are too few: the smallest sample takes %d"
              .formatted(settings.maxTokens(), smallest));
    }
  }

  @Override
  public List<RulerSample> generate(int count) {
    int words = mostWords(vocabulary());
    List<RulerSample> samples = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      List<String> vocabulary = vocabulary();
      int fitting = words;
      String prompt = prompt(vocabulary, fitting);
      while (settings.counter().count(prompt) > promptTokens) {
        fitting -= step;
        if (fitting <= 0) {
          throw new EvaluationException(
              settings.maxTokens() + " tokens are too few for this tokenizer");
        }
        prompt = prompt(vocabulary, fitting);
      }
      samples.add(
          RulerSample.of(
              i,
              prompt,
              List.copyOf(vocabulary.subList(1, 1 + ANSWERS)),
              settings.counter().count(prompt) + ANSWER_TOKENS,
              ANSWER_PREFIX));
    }
    return samples;
  }

  private int mostWords(List<String> vocabulary) {
    int words = promptTokens / WORD_LETTERS;
    while (settings.counter().count(prompt(vocabulary, words)) < promptTokens) {
      words += step;
    }
    return words - step;
  }

  /** Distinct words; the most frequent are dots, which are noise. */
  private List<String> vocabulary() {
    int size = promptTokens / TOKENS_PER_WORD;
    // All are drawn at once and duplicates only then made up for; a set comes to the same.
    TreeSet<String> words = new TreeSet<>();
    while (words.size() < size) {
      words.add(random.letters(LETTERS, WORD_LETTERS));
    }
    List<String> vocabulary = new ArrayList<>(words);
    new PythonRandom(settings.seed()).shuffle(vocabulary);
    vocabulary.set(0, DOTS);
    return vocabulary;
  }

  /** The k-th word of the vocabulary stands {@code words / (k^2 zeta(2))} times in the text. */
  private String prompt(List<String> vocabulary, int words) {
    List<String> text = new ArrayList<>();
    for (int k = 1; k <= vocabulary.size(); k++) {
      int times = (int) (words * (1.0 / ((double) k * k)) / ZETA_2);
      text.addAll(Collections.nCopies(times, vocabulary.get(k - 1)));
    }
    new PythonRandom(settings.seed()).shuffle(text);
    return Template.fill(TEMPLATE + ANSWER_PREFIX, Map.of("context", String.join(" ", text)));
  }
}
