package dev.lowpass.pipeline.evaluation.metrics;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** F1 over the words that a prediction and a reference share, as SQuAD's and LongBench's. */
public final class QaF1 {
  /** Whole words; Python's {@code \b} takes letters, numerals of any kind and _ for a word's. */
  private static final Pattern ARTICLE =
      Pattern.compile("(?<![\\p{L}\\p{N}_])(?:a|an|the)(?![\\p{L}\\p{N}_])");

  /** What LongBench drops from Chinese words besides ASCII punctuation. */
  private static final String CHINESE_PUNCTUATION =
      "！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、〃》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿–—‘’‛“”„‟…‧﹏.";

  private QaF1() {}

  /** Words are lower-cased, without ASCII punctuation and articles. */
  public static double english(String prediction, String reference) {
    return f1(englishWords(prediction), englishWords(reference));
  }

  /** Words are those of {@link ChineseWords}, lower-cased, without punctuation. */
  public static double chinese(String prediction, String reference) {
    return f1(chineseWords(prediction), chineseWords(reference));
  }

  private static List<String> englishWords(String text) {
    String plain = PythonText.without(PythonText.lower(text), PythonText.PUNCTUATION);
    return PythonText.split(ARTICLE.matcher(plain).replaceAll(" "));
  }

  private static List<String> chineseWords(String text) {
    return ChineseWords.cut(text).stream()
        .map(PythonText::lower)
        .map(word -> PythonText.without(word, PythonText.PUNCTUATION + CHINESE_PUNCTUATION))
        .map(word -> String.join("", PythonText.split(word)))
        .filter(word -> !word.isEmpty())
        .toList();
  }

  /** A word counts as often as it stands in both. */
  private static double f1(List<String> prediction, List<String> reference) {
    Map<String, Integer> left = new HashMap<>();
    reference.forEach(word -> left.merge(word, 1, Integer::sum));
    int same = 0;
    for (String word : prediction) {
      if (left.getOrDefault(word, 0) > 0) {
        left.merge(word, -1, Integer::sum);
        same++;
      }
    }
    if (same == 0) {
      return 0;
    }
    double precision = (double) same / prediction.size();
    double recall = (double) same / reference.size();
    return 2 * precision * recall / (precision + recall);
  }
}
