package dev.lowpass.pipeline.evaluation.metrics;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts Chinese text into words as Python's {@code jieba.cut} does in its precise mode: the most
 * probable path through the words of a dictionary, and a hidden Markov model for runs of single
 * characters that no word covers.
 *
 * <p>The dictionary and the model's probabilities are those in the jar of jieba-analysis: the
 * dictionary that jieba had until one correction in 2014, and the probabilities to twelve digits.
 * The segmenter of that jar is not used, since it changes the text (lower case, half width) and
 * cuts mixed text differently.
 */
final class ChineseWords {
  /** What words are made of. */
  private static final Pattern WORD_CHARACTERS =
      Pattern.compile("[\\u4E00-\\u9FD5a-zA-Z0-9+#&._%\\-]+");

  private static final Pattern HAN = Pattern.compile("[\\u4E00-\\u9FD5]+");

  /** Letters and numbers, which stay together among single characters. */
  private static final Pattern ALPHANUMERIC = Pattern.compile("[a-zA-Z0-9]+(?:\\.\\p{Nd}+)?%?");

  private ChineseWords() {}

  /** The words, in order; joined they are the text. */
  static List<String> cut(String text) {
    List<String> words = new ArrayList<>();
    split(
        WORD_CHARACTERS,
        text,
        run -> cutRun(run, words),
        between -> {
          int[] characters = between.codePoints().toArray();
          for (int i = 0; i < characters.length; i++) {
            boolean lineEnd =
                characters[i] == '\r' && i + 1 < characters.length && characters[i + 1] == '\n';
            words.add(lineEnd ? "\r\n" : Character.toString(characters[i]));
            i += lineEnd ? 1 : 0;
          }
        });
    return words;
  }

  /** Hands every match and everything between matches on, in the text's order. */
  private static void split(
      Pattern pattern, String text, Consumer<String> matched, Consumer<String> between) {
    Matcher matcher = pattern.matcher(text);
    int done = 0;
    while (matcher.find()) {
      if (matcher.start() > done) {
        between.accept(text.substring(done, matcher.start()));
      }
      matched.accept(matcher.group());
      done = matcher.end();
    }
    if (done < text.length()) {
      between.accept(text.substring(done));
    }
  }

  private static void cutRun(String run, List<String> words) {
    ChineseDictionary dictionary = ChineseDictionary.get();
    int[] ends = mostProbableEnds(run, dictionary);
    StringBuilder singles = new StringBuilder();
    for (int start = 0; start < run.length(); start = ends[start]) {
      if (ends[start] == start + 1) {
        singles.append(run.charAt(start));
      } else {
        cutSingles(singles, dictionary, words);
        words.add(run.substring(start, ends[start]));
      }
    }
    cutSingles(singles, dictionary, words);
  }

  /** By place, the end of the word that starts there on the best path to the end. */
  private static int[] mostProbableEnds(String run, ChineseDictionary dictionary) {
    int length = run.length();
    int[] ends = new int[length];
    double[] best = new double[length + 1];
    for (int start = length - 1; start >= 0; start--) {
      best[start] = Double.NEGATIVE_INFINITY;
      // Without any word from here, the character stands alone.
      boolean word = false;
      for (int end = start + 1; end <= length; end++) {
        String piece = run.substring(start, end);
        if (!dictionary.startsWord(piece)) {
          break;
        }
        if (dictionary.isWord(piece)) {
          word = true;
          double path = dictionary.logProbability(piece) + best[end];
          // Of equals the longer.
          if (path >= best[start]) {
            best[start] = path;
            ends[start] = end;
          }
        }
      }
      if (!word) {
        best[start] = dictionary.logProbability(run.substring(start, start + 1)) + best[start + 1];
        ends[start] = start + 1;
      }
    }
    return ends;
  }

  /** Cuts characters that stand alone on the best path, and empties their buffer. */
  private static void cutSingles(
      StringBuilder buffer, ChineseDictionary dictionary, List<String> words) {
    String singles = buffer.toString();
    buffer.setLength(0);
    if (singles.length() < 2 || dictionary.isWord(singles)) {
      singles.chars().forEach(c -> words.add(Character.toString(c)));
      return;
    }
    split(
        HAN,
        singles,
        han -> dictionary.model().cut(han, words),
        other -> split(ALPHANUMERIC, other, words::add, words::add));
  }
}
