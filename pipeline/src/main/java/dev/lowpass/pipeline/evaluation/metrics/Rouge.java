package dev.lowpass.pipeline.evaluation.metrics;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * ROUGE-L as the Python package {@code rouge} computes it from version 1.0 on, which LongBench
 * uses. It differs from the paper (Lin 2004): words are compared as they are written, without
 * stemming; sentences end at every full stop; and the words of the longest common subsequences are
 * a set, in which a repeated word counts once.
 */
public final class Rouge {
  /**
   * Steps that the package can walk back through a table of longest common subsequences before
   * Python's recursion limit of 1,000 frames stops it, called from LongBench's scorer. LongBench
   * scores what is longer 0.
   */
  private static final int ENGLISH_STEPS = 990;

  /** One less: LongBench's Chinese score is a frame further down. */
  private static final int CHINESE_STEPS = ENGLISH_STEPS - 1;

  private Rouge() {}

  /** LongBench's score: the F of ROUGE-L, 0 where the package fails. */
  public static double english(String prediction, String reference) {
    return l(prediction, reference, ENGLISH_STEPS);
  }

  /**
   * LongBench's score of Chinese text, cut into words. A Chinese full stop ends no sentence, so
   * that long predictions score 0.
   */
  public static double chinese(String prediction, String reference) {
    return l(spaced(prediction), spaced(reference), CHINESE_STEPS);
  }

  private static String spaced(String text) {
    return String.join(" ", ChineseWords.cut(text));
  }

  /** The F of summary-level ROUGE-L. */
  private static double l(String prediction, String reference, int maxSteps) {
    List<String> predicted = sentences(prediction);
    List<String> referred = sentences(reference);
    if (predicted.isEmpty() || referred.isEmpty()) {
      return 0;
    }
    Set<String> common = new HashSet<>();
    for (String referredSentence : referred) {
      for (String predictedSentence : predicted) {
        if (!collectCommon(words(referredSentence), words(predictedSentence), common, maxSteps)) {
          return 0;
        }
      }
    }
    double precision = (double) common.size() / distinctWords(predicted);
    double recall = (double) common.size() / distinctWords(referred);
    return 2.0 * ((precision * recall) / (precision + recall + 1e-8));
  }

  private static List<String> sentences(String text) {
    List<String> sentences = new ArrayList<>();
    for (String piece : text.split("\\.")) {
      if (!piece.isEmpty()) {
        sentences.add(String.join(" ", PythonText.split(piece)));
      }
    }
    return sentences;
  }

  /** A blank sentence has one word, the empty one. */
  private static List<String> words(String sentence) {
    return List.of(sentence.split(" ", -1));
  }

  private static int distinctWords(List<String> sentences) {
    Set<String> words = new HashSet<>();
    sentences.forEach(sentence -> words.addAll(words(sentence)));
    return words.size();
  }

  /**
   * Adds the words of a longest common subsequence; of several, the one that the package walks.
   *
   * @return whether the walk took at most {@code maxSteps}
   */
  private static boolean collectCommon(
      List<String> reference, List<String> prediction, Set<String> common, int maxSteps) {
    int rows = reference.size();
    int columns = prediction.size();
    if (Math.min(rows, columns) > maxSteps) {
      return false;
    }
    int[][] lengths = new int[rows + 1][columns + 1];
    for (int i = 1; i <= rows; i++) {
      for (int j = 1; j <= columns; j++) {
        lengths[i][j] =
            reference.get(i - 1).equals(prediction.get(j - 1))
                ? lengths[i - 1][j - 1] + 1
                : Math.max(lengths[i - 1][j], lengths[i][j - 1]);
      }
    }
    int i = rows;
    int j = columns;
    int steps = 0;
    for (; i > 0 && j > 0; steps++) {
      if (reference.get(i - 1).equals(prediction.get(j - 1))) {
        common.add(reference.get(i - 1));
        i--;
        j--;
      } else if (lengths[i - 1][j] > lengths[i][j - 1]) {
        i--;
      } else {
        j--;
      }
    }
    return steps <= maxSteps;
  }
}
