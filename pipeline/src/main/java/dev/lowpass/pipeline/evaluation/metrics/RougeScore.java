package dev.lowpass.pipeline.evaluation.metrics;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * ROUGE-N and sentence-level ROUGE-L (Lin 2004, sections 2 and 3.1) as the Python package {@code
 * rouge} computed them up to version 0.2, over words parted by white space. LongBench's scores are
 * a later version's: see {@link Rouge}.
 *
 * @param precision what they share of the prediction
 * @param recall what they share of the reference
 */
public record RougeScore(double precision, double recall, double f) {
  private static final RougeScore NONE = new RougeScore(0, 0, 0);

  /** ROUGE-N over distinct runs of {@code n} words. */
  public static RougeScore n(int n, String prediction, String reference) {
    Set<List<String>> predicted = runs(n, PythonText.split(prediction));
    Set<List<String>> referred = runs(n, PythonText.split(reference));
    if (predicted.isEmpty() || referred.isEmpty()) {
      return NONE;
    }
    Set<List<String>> common = new HashSet<>(predicted);
    common.retainAll(referred);
    double precision = (double) common.size() / predicted.size();
    double recall = (double) common.size() / referred.size();
    return new RougeScore(
        precision, recall, 2 * (precision * recall / (precision + recall + 1e-8)));
  }

  private static Set<List<String>> runs(int n, List<String> words) {
    Set<List<String>> runs = new HashSet<>();
    for (int i = 0; i + n <= words.size(); i++) {
      runs.add(List.copyOf(words.subList(i, i + n)));
    }
    return runs;
  }

  /** ROUGE-L: the longest common subsequence of words; F with beta = precision / recall. */
  public static RougeScore l(String prediction, String reference) {
    List<String> predicted = new ArrayList<>(PythonText.split(prediction));
    List<String> referred = new ArrayList<>(PythonText.split(reference));
    if (predicted.isEmpty() || referred.isEmpty()) {
      return NONE;
    }
    int common = commonSubsequence(predicted, referred);
    double precision = (double) common / predicted.size();
    double recall = (double) common / referred.size();
    double beta = precision / (recall + 1e-12);
    double weighted = (1 + beta * beta) * recall * precision;
    return new RougeScore(precision, recall, weighted / (recall + beta * beta * precision + 1e-12));
  }

  private static int commonSubsequence(List<String> a, List<String> b) {
    int[] lengths = new int[b.size() + 1];
    for (String word : a) {
      int diagonal = 0;
      for (int j = 1; j <= b.size(); j++) {
        int above = lengths[j];
        lengths[j] = word.equals(b.get(j - 1)) ? diagonal + 1 : Math.max(lengths[j - 1], above);
        diagonal = above;
      }
    }
    return lengths[b.size()];
  }
}
