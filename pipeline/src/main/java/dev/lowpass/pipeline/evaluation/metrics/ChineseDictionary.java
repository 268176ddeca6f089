package dev.lowpass.pipeline.evaluation.metrics;

import java.io.BufferedReader;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** Words with their frequencies, read once; some 50 MB. */
final class ChineseDictionary {
  private static final class Holder {
    private static final ChineseDictionary DICTIONARY = load();
  }

  /** By word and by beginning of a word; a beginning that is no word has frequency 0. */
  private final Map<String, Integer> frequencies = new HashMap<>(1 << 20);

  private final ChineseWordModel model;
  private long total;

  private ChineseDictionary(ChineseWordModel model) {
    this.model = model;
  }

  static ChineseDictionary get() {
    return Holder.DICTIONARY;
  }

  private static ChineseDictionary load() {
    try (BufferedReader words = open("/dict.txt");
        BufferedReader emissions = open("/prob_emit.txt")) {
      ChineseDictionary dictionary = new ChineseDictionary(ChineseWordModel.read(emissions));
      for (String line = words.readLine(); line != null; line = words.readLine()) {
        String[] fields = line.strip().split(" ");
        dictionary.add(fields[0], Integer.parseInt(fields[1]));
      }
      return dictionary;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static BufferedReader open(String resource) throws IOException {
    InputStream stream = ChineseDictionary.class.getResourceAsStream(resource);
    if (stream == null) {
      throw new FileNotFoundException(
          resource + " is not on the class path; it is in jieba-analysis.jar");
    }
    return new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8));
  }

  private void add(String word, int frequency) {
    frequencies.put(word, frequency);
    total += frequency;
    for (int end = 1; end < word.length(); end++) {
      frequencies.putIfAbsent(word.substring(0, end), 0);
    }
  }

  /** Whether some word starts with {@code text}. */
  boolean startsWord(String text) {
    return frequencies.containsKey(text);
  }

  boolean isWord(String text) {
    return frequencies.getOrDefault(text, 0) > 0;
  }

  /** Log of a word's share in all text; what is no word counts as seen once. */
  double logProbability(String word) {
    return Math.log(Math.max(1, frequencies.getOrDefault(word, 0))) - Math.log(total);
  }

  /** For what the dictionary does not know. */
  ChineseWordModel model() {
    return model;
  }
}
