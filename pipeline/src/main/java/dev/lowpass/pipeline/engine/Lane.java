package dev.lowpass.pipeline.engine;

import dev.lowpass.pipeline.decoder.Sequence;
import java.util.Arrays;

/**
 * One of a document's sequences, and what goes through it: tokens that are read, then an answer.
 */
final class Lane {
  /** What it is at. */
  enum State {
    IDLE,
    DOCUMENT,
    QUESTION,
    ANSWER
  }

  private final Sequence sequence;
  private State state = State.IDLE;
  private int prompt;
  private int[] tokens = {};
  private int at;
  private int end;
  private int[] probe;
  private Answer answer;

  Lane(Sequence sequence) {
    this.sequence = sequence;
  }

  Sequence sequence() {
    return sequence;
  }

  State state() {
    return state;
  }

  boolean idle() {
    return state == State.IDLE;
  }

  /** The prompt's index. */
  int prompt() {
    return prompt;
  }

  Answer answer() {
    return answer;
  }

  /** Whether its sequence has rows of prompts for the next pass. */
  boolean reads() {
    return sequence.running() && state != State.ANSWER;
  }

  /**
   * Whether its sequence has the next rows of an answer for it: one, but for those that are forced.
   */
  boolean writes() {
    return sequence.running() && state == State.ANSWER;
  }

  /**
   * Begins to read what a prompt begins with, the document, from {@code at} on.
   *
   * @param probe what observes; null where nothing is scored
   */
  void readDocument(int prompt, int[] tokens, int at, int end, int[] probe) {
    this.prompt = prompt;
    state = State.DOCUMENT;
    read(tokens, at, end, probe);
  }

  /** Begins to read what is left of a prompt, from {@code at} on. */
  void readQuestion(int prompt, int[] tokens, int at, int[] probe, Answer answer) {
    this.prompt = prompt;
    this.answer = answer;
    state = State.QUESTION;
    read(tokens, at, tokens.length, probe);
  }

  private void read(int[] tokens, int at, int end, int[] probe) {
    this.tokens = tokens;
    this.at = at;
    this.end = end;
    this.probe = probe;
  }

  /** Whether all of what it was given has been read. */
  boolean read() {
    return at == end && !sequence.running();
  }

  /** Begins the next block, if the last one is done and there is one. */
  void proceed() {
    if (sequence.running() || at == end) {
      return;
    }
    int to = (int) Math.min(end, (long) at + sequence.room());
    int[] block = Arrays.copyOfRange(tokens, at, to);
    boolean logits = state != State.DOCUMENT && to == end;
    if (probe == null) {
      sequence.forward(block, logits);
    } else {
      sequence.read(block, probe, logits);
    }
    at = to;
  }

  /** Takes the next token of the answer; returns whether it was the last. */
  boolean accept(int token) {
    state = State.ANSWER;
    int[] next = answer.accept(token);
    read(next, 0, next.length, /* probe= */ null);
    proceed();
    return next.length == 0;
  }

  void rest() {
    state = State.IDLE;
    answer = null;
  }
}
