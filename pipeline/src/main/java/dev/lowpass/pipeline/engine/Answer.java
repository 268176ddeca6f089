package dev.lowpass.pipeline.engine;

import dev.lowpass.pipeline.decoder.Sampler;
import dev.lowpass.pipeline.text.StreamDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** What is written for one prompt, token by token. */
final class Answer {
  private final Writer writer;
  private final GenerationOptions options;
  private final Consumer<String> listener;
  private final Sampler sampler;
  private final StreamDecoder detokenizer;
  private final StopStrings stops;
  private final int limit;
  private final StringBuilder text = new StringBuilder();
  private final List<Integer> tokens = new ArrayList<>();
  private FinishReason reason;

  /**
   * @param index the prompt's among the document's
   */
  Answer(
      Writer writer,
      int[] prompt,
      GenerationOptions options,
      int index,
      Consumer<String> listener) {
    this.writer = writer;
    this.options = options;
    this.listener = listener;
    sampler =
        greedy()
            ? null
            : new Sampler(
                options.temperature(), options.topK(), options.topP(), options.seed() + index);
    detokenizer = writer.tokenizer().stream(prompt);
    stops = new StopStrings(options.stop());
    limit = Math.min(options.maxNewTokens(), writer.contextTokens() - prompt.length);
  }

  /** Whether the most likely token is always the next. */
  boolean greedy() {
    return options.temperature() == 0;
  }

  /** Draws the next token, where it is not the most likely. */
  int sample(float[] logits) {
    return sampler.next(logits);
  }

  /** Takes the next token; returns whether it was the last. */
  boolean accept(int token) {
    tokens.add(token);
    if (writer.endTokens().contains(token) && !options.pastEnd()) {
      reason = FinishReason.STOP;
    } else {
      emit(stops.accept(detokenizer.accept(token)));
      if (stops.found()) {
        reason = FinishReason.STOP;
      } else if (tokens.size() == limit) {
        reason = FinishReason.LENGTH;
      }
    }
    if (reason == null) {
      return false;
    }
    emit(stops.accept(detokenizer.flush()));
    emit(stops.flush());
    return true;
  }

  private void emit(String piece) {
    if (!piece.isEmpty()) {
      text.append(piece);
      listener.accept(piece);
    }
  }

  Completion completion() {
    return new Completion(text.toString(), List.copyOf(tokens), reason);
  }
}
