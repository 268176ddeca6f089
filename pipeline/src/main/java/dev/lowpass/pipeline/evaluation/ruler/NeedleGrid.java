package dev.lowpass.pipeline.evaluation.ruler;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.evaluation.EvaluationException;
import dev.lowpass.pipeline.evaluation.metrics.WordRecall;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
  private static final String CONTEXT = "{context}";

  /** Tokens of the longest answer. */
  public static final int ANSWER_TOKENS = 30;

  /**
   * What is hidden, and how it is asked for.
   *
   * @param text stands in the haystack, on lines of its own
   * @param prompt has {@code {context}} where the haystack goes, and the question behind it
   * @param answerPrefix how the answer begins
   * @param answer what the answer is scored against
   */
  public record Needle(String text, String prompt, String answerPrefix, String answer) {
    /** The needle of the original test (Kamradt 2023), asked for as in PyramidKV's. */
    public static final Needle SANDWICH =
        new Needle(
            "\nThe best thing to do in San Francisco is eat a sandwich and sit in Dolores Park on a"
                + " sunny day.\n",
            "This is a very long story book: <book> {context} </book>.\n"
                + " Based on the content of the book, Question: The best thing to do in San"
                + " Francisco is: ",
            "\nAnswer:",
            "eat a sandwich and sit in Dolores Park on a sunny day.");

    /**
     * @throws EvaluationException if the prompt has no place for the haystack
     */
    public Needle {
      if (!prompt.contains(CONTEXT)) {
        throw new EvaluationException("a needle's prompt has no {context} in it");
      }
    }

    /**
     * Reads needles, a JSON object a line.
     *
     * @throws EvaluationException naming the line that is none
     */
    public static List<Needle> read(Path file) throws IOException {
      List<Needle> needles = new ArrayList<>();
      int number = 0;
      for (String line : Files.readAllLines(file)) {
        number++;
        try {
          JsonNode needle = new ObjectMapper().readTree(line);
          needles.add(
              new Needle(
                  "\n" + required(needle, "text") + "\n",
                  required(needle, "prompt"),
                  needle.path("answer_prefix").asText(),
                  required(needle, "answer")));
        } catch (JsonProcessingException | EvaluationException e) {
          throw new EvaluationException(
              "%s:%d: not a needle: %s".formatted(file, number, e.getMessage()), e);
        }
      }
      return needles;
    }

    private static String required(JsonNode needle, String key) {
      if (!needle.path(key).isTextual()) {
        throw new EvaluationException(key + " is missing or no string");
      }
      return needle.get(key).textValue();
    }

    private String question() {
      return prompt.substring(prompt.indexOf(CONTEXT) + CONTEXT.length());
    }
  }

  /**
   * One cell of the heat map.
   *
   * @param contextLength tokens that prompt and answer may take
   * @param question how the input ends: what follows the haystack
   * @param length tokens that they take
   */
  public record Cell(
      int contextLength,
      int depthPercent,
      String input,
      String question,
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
          .put("question", question)
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
        Template.fill(needle.prompt, Map.of("context", hidden(haystack.words(words), depth)));
    int length = counter.count(input + needle.answerPrefix) + ANSWER_TOKENS;
    return new Cell(
        contextLength,
        depth,
        input,
        needle.question(),
        List.of(needle.answer),
        length,
        needle.answerPrefix);
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
