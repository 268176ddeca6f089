package dev.lowpass.pipeline.evaluation.ruler;

import dev.lowpass.pipeline.evaluation.EvaluationException;
import dev.lowpass.pipeline.evaluation.metrics.WordRecall;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Needle in a haystack over depth and length: one sentence hidden in a text, at the end of the
 * sentence nearest above each depth. The wording is that of PyramidKV's evaluation without its
 * control token, so that it can stand in any chat template.
 *
 * @param depths in percent of the text's tokens, 0 to 100
 */
public record NeedleGrid(
    Haystack haystack, Needle needle, List<Integer> depths, TokenCounter counter) {
  private static final String TEMPLATE =
      "This is a very long story book: <book> {context} </book>.\n"
          + " Based on the content of the book, Question: {question}";

  private static final String ANSWER_PREFIX = "\nAnswer:";

  /** Tokens of the longest answer. */
  public static final int ANSWER_TOKENS = 30;

  /**
   * What is hidden.
   *
   * @param text stands in the haystack, on lines of its own
   * @param question what is asked
   * @param answer what the answer is scored against
   */
  public record Needle(String text, String question, String answer) {
    /** The needle of the original test (Kamradt 2023). */
    public static final Needle SANDWICH =
        new Needle(
            "\nThe best thing to do in San Francisco is eat a sandwich and sit in Dolores Park on a"
                + " sunny day.\n",
            "The best thing to do in San Francisco is: ",
            "eat a sandwich and sit in Dolores Park on a sunny day.");
  }

  /**
   * One cell of the heat map.
   *
   * @param contextLength tokens that prompt and answer may take
   * @param length tokens that they take
   */
  public record Cell(
      int contextLength,
      int depthPercent,
      String input,
      List<String> outputs,
      int length,
      String answerPrefix) {
    /** What a model is to continue. */
    public String prompt() {
      return input + answerPrefix;
    }

    /** As a line of a RULER file, with the cell's place. */
    public String toJson() {
      return new PythonJson()
          .put("index", depthPercent)
          .put("context_length", contextLength)
          .put("depth_percent", depthPercent)
          .put("input", input)
          .put("outputs", outputs)
          .put("length", length)
          .put("answer_prefix", answerPrefix)
          .toString();
    }
  }

  /** {@code count} depths from 0 to 100, evenly spread and rounded. */
  public static List<Integer> depths(int count) {
    if (count == 1) {
      return List.of(0);
    }
    return IntStream.range(0, count)
        .mapToObj(i -> (int) Math.rint(100.0 * i / (count - 1)))
        .distinct()
        .toList();
  }

  /** The score of an answer, 0 to 1. */
  public static double score(String answer, List<String> outputs) {
    return outputs.stream().mapToDouble(o -> WordRecall.score(answer, o)).max().orElse(0);
  }

  /**
   * The cells of one length.
   *
   * @param contextLength tokens that prompt and answer may take
   * @throws EvaluationException if not even the question fits
   */
  public List<Cell> cells(int contextLength) {
    List<Cell> cells = new ArrayList<>();
    for (int depth : depths) {
      int low = 0;
      // A token is rarely more than a word.
      int high = contextLength;
      while (low < high) {
        int middle = (low + high + 1) >>> 1;
        if (cell(contextLength, depth, middle).length <= contextLength) {
          low = middle;
        } else {
          high = middle - 1;
        }
      }
      Cell cell = cell(contextLength, depth, low);
      if (low == 0 || cell.length > contextLength) {
        throw new EvaluationException(
            "needle: %d tokens are too few: the question alone takes %d"
                .formatted(contextLength, cell(contextLength, depth, 0).length));
      }
      cells.add(cell);
    }
    return cells;
  }

  private Cell cell(int contextLength, int depth, int words) {
    String input =
        Template.fill(
            TEMPLATE,
            Map.of("context", hidden(haystack.words(words), depth), "question", needle.question));
    int length = counter.count(input + ANSWER_PREFIX) + ANSWER_TOKENS;
    return new Cell(contextLength, depth, input, List.of(needle.answer), length, ANSWER_PREFIX);
  }

  private String hidden(String text, int depth) {
    List<String> sentences = Sentences.split(text);
    int[] tokens = sentences.stream().mapToInt(counter::count).toArray();
    double above = IntStream.of(tokens).sum() * (depth / 100.0);
    int place = 0;
    for (int sum = 0; place < tokens.length && sum + tokens[place] <= above; place++) {
      sum += tokens[place];
    }
    return String.join(" ", sentences.subList(0, place))
        + needle.text
        + String.join(" ", sentences.subList(place, sentences.size()));
  }
}
