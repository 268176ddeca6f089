package dev.lowpass.pipeline.evaluation.suite;

import dev.lowpass.pipeline.engine.Request;
import dev.lowpass.pipeline.text.Message;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Turns items into what an engine is asked. A document is text: nothing in it becomes a control
 * token.
 */
public final class PromptWriter {
  /** Of a long question, its end observes the document. */
  private static final int MAX_PROBE = 256;

  /**
   * How items are asked.
   *
   * @param questionAware whether policies read a document with its questions in mind; else what is
   *     kept of it is decided before any question is known
   * @param probeEach whether each question reads the document anew, rather than all of them at once
   * @param chat whether the model's chat template is used where the item wants one
   * @param maxPromptTokens most tokens of a prompt whose middle may be left out, the chat
   *     template's not counted; 0 for any number
   */
  public record Settings(
      boolean questionAware, boolean probeEach, boolean chat, int maxPromptTokens)
      implements Serializable {}

  private final TextTokenizer tokenizer;
  private final Settings settings;

  public PromptWriter(TextTokenizer tokenizer, Settings settings) {
    this.tokenizer = tokenizer;
    this.settings = settings;
  }

  /** The prompts of an item's questions, in their order. */
  public Request request(Item item) {
    Item cut = item.truncated() ? truncated(item) : item;
    boolean chat = settings.chat() && item.chat() && tokenizer.hasChatTemplate();
    List<int[]> prompts = new ArrayList<>();
    for (Question question : cut.questions()) {
      prompts.add(encode(cut.document() + question.text(), cut.answerPrefix(), chat));
    }
    List<int[]> probes = settings.questionAware() ? probes(item.questions()) : List.of();
    return Request.about(encode(cut.document(), "", chat), prompts, probes);
  }

  private int[] encode(String text, String answerPrefix, boolean chat) {
    return chat
        ? concat(
            tokenizer.encodeChat(List.of(new Message("user", text))),
            tokenizer.encode(answerPrefix))
        : concat(begin(), tokenizer.encode(text + answerPrefix));
  }

  /** The token that the model wants a text to begin with, if there is one. */
  private int[] begin() {
    return tokenizer.encodeWithSpecial("");
  }

  private List<int[]> probes(List<Question> questions) {
    if (questions.size() > 1 && !settings.probeEach()) {
      return List.of(
          tokenizer.encode(String.join("", questions.stream().map(Question::probe).toList())));
    }
    return questions.stream()
        .map(question -> last(tokenizer.encode(question.probe()), MAX_PROBE))
        .toList();
  }

  /**
   * LongBench's middle truncation: the first and the last half of the tokens that a prompt may
   * have. Of a document with several questions, the middle of the document alone goes.
   */
  private Item truncated(Item item) {
    int most = settings.maxPromptTokens();
    if (most == 0) {
      return item;
    }
    if (item.questions().size() > 1) {
      int longest =
          item.questions().stream()
              .mapToInt(question -> tokenizer.encode(question.text()).length)
              .max()
              .orElseThrow();
      return with(item, middleOut(item.document(), Math.max(2, most - longest)), item.questions());
    }
    Question question = item.questions().get(0);
    String text = item.document() + question.text();
    String cut = middleOut(text, most);
    if (cut.equals(text)) {
      return item;
    }
    String rest = cut.endsWith(question.text()) ? question.text() : "";
    return with(
        item,
        cut.substring(0, cut.length() - rest.length()),
        List.of(
            new Question(
                question.name(),
                rest,
                question.probe(),
                question.references(),
                question.scorer())));
  }

  private static Item with(Item item, String document, List<Question> questions) {
    return new Item(
        item.task(),
        item.length(),
        item.depth(),
        document,
        questions,
        item.answerPrefix(),
        item.maxNewTokens(),
        item.chat(),
        item.truncated());
  }

  /** A text of at most {@code most} tokens, the beginning token counted: its two ends. */
  String middleOut(String text, int most) {
    int[] tokens = concat(begin(), tokenizer.encode(text));
    if (tokens.length <= most) {
      return text;
    }
    int half = most / 2;
    return tokenizer.decode(Arrays.copyOf(tokens, half)) + tokenizer.decode(last(tokens, half));
  }

  private static int[] last(int[] tokens, int count) {
    return Arrays.copyOfRange(tokens, Math.max(0, tokens.length - count), tokens.length);
  }

  private static int[] concat(int[] first, int[] second) {
    int[] all = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, all, first.length, second.length);
    return all;
  }
}
