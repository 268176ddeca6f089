package dev.lowpass.pipeline.evaluation.ruler;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.pipeline.evaluation.EvaluationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;

/** Documents, and questions on them. */
public final class QuestionSet {
  /** Python's order of strings, which is by code points. */
  private static final Comparator<String> BY_CODE_POINTS =
      (a, b) -> Arrays.compare(a.codePoints().toArray(), b.codePoints().toArray());

  /**
   * A question.
   *
   * @param answers any will do
   * @param gold the documents that answer it
   * @param related others that go with them
   */
  record Question(String text, List<String> answers, List<Integer> gold, List<Integer> related) {}

  private final List<String> documents;
  private final List<Question> questions = new ArrayList<>();

  private QuestionSet(Iterable<String> documents) {
    TreeSet<String> sorted = new TreeSet<>(BY_CODE_POINTS);
    documents.forEach(sorted::add);
    this.documents = List.copyOf(sorted);
  }

  /** Distinct, in order. */
  List<String> documents() {
    return documents;
  }

  List<Question> questions() {
    return questions;
  }

  private int place(String document) {
    int low = 0;
    int high = documents.size() - 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (BY_CODE_POINTS.compare(documents.get(middle), document) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /**
   * Reads SQuAD 1.1 or 2.0: a document is a paragraph. Questions without an answer are left out.
   *
   * @throws EvaluationException if the file has not that form
   */
  public static QuestionSet squad(Path file) throws IOException {
    List<JsonNode> articles = new ArrayList<>();
    read(file).path("data").forEach(articles::add);
    List<String> texts = new ArrayList<>();
    for (JsonNode article : articles) {
      article.path("paragraphs").forEach(p -> texts.add(p.path("context").asText()));
    }
    QuestionSet set = new QuestionSet(texts);
    for (JsonNode article : articles) {
      List<Integer> places = new ArrayList<>();
      article.path("paragraphs").forEach(p -> places.add(set.place(p.path("context").asText())));
      int paragraph = 0;
      for (JsonNode node : article.path("paragraphs")) {
        int own = places.get(paragraph++);
        List<Integer> related = places.stream().filter(place -> place != own).toList();
        for (JsonNode question : node.path("qas")) {
          if (!question.path("is_impossible").asBoolean()) {
            List<String> answers = new ArrayList<>();
            question.path("answers").forEach(answer -> answers.add(answer.path("text").asText()));
            set.questions.add(
                new Question(question.path("question").asText(), answers, List.of(own), related));
          }
        }
      }
    }
    return set.requireQuestions(file, "SQuAD's");
  }

  /**
   * Reads HotpotQA: a document is a title with its sentences.
   *
   * @throws EvaluationException if the file has not that form
   */
  public static QuestionSet hotpotQa(Path file) throws IOException {
    JsonNode root = read(file);
    List<String> texts = new ArrayList<>();
    for (JsonNode question : root) {
      question.path("context").forEach(document -> texts.add(titled(document)));
    }
    QuestionSet set = new QuestionSet(texts);
    for (JsonNode question : root) {
      List<Integer> gold = new ArrayList<>();
      question.path("context").forEach(document -> gold.add(set.place(titled(document))));
      set.questions.add(
          new Question(
              question.path("question").asText(),
              List.of(question.path("answer").asText()),
              gold,
              List.of()));
    }
    return set.requireQuestions(file, "HotpotQA's");
  }

  private static String titled(JsonNode document) {
    StringBuilder text = new StringBuilder(document.path(0).asText()).append('\n');
    document.path(1).forEach(sentence -> text.append(sentence.asText()));
    return text.toString();
  }

  private static JsonNode read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new EvaluationException(file + ": no such file");
    }
    try {
      return new ObjectMapper().readTree(file.toFile());
    } catch (JsonProcessingException e) {
      throw new EvaluationException(file + ": not valid JSON: " + e.getOriginalMessage(), e);
    }
  }

  private QuestionSet requireQuestions(Path file, String format) {
    if (questions.isEmpty()
        || questions.stream().anyMatch(q -> q.text.isEmpty() || q.answers.isEmpty())) {
      throw new EvaluationException(
          file + ": is not of " + format + " form: no questions, or one without text or answer");
    }
    return this;
  }
}
