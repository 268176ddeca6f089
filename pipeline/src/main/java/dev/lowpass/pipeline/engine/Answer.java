package dev.lowpass.pipeline.engine;

import dev.lowpass.kernels.Draw;
import dev.lowpass.pipeline.decoder.Sampler;
import dev.lowpass.pipeline.schema.SchemaConstraint;
import dev.lowpass.pipeline.schema.TokenConstraint;
import dev.lowpass.pipeline.text.StreamDecoder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** What is written for one prompt, token by token. */
final class Answer {
  private static final int[] NONE = {};

  private final Writer writer;
  private final GenerationOptions options;
  private final Consumer<String> listener;
  private final Sampler sampler;

  /** What may come next; null where everything may. */
  private final TokenConstraint constraint;

  /** How the next token is drawn, once that was asked for. */
  private Draw draw;

  private final StreamDecoder detokenizer;
  private final StopStrings stops;
  private final int limit;
  private final StringBuilder text = new StringBuilder();
  private final List<Integer> tokens = new ArrayList<>();

  /** Where the text of each token begins, as far as it is known; where probabilities are wanted. */
  private final List<Integer> begins = new ArrayList<>();

  /** Each token's probability, not a number for those that were forced; as above. */
  private final List<Double> probabilities = new ArrayList<>();

  /** Of the token that was last chosen. */
  private double probability = Double.NaN;

  private FinishReason reason;

  /**
   * @param index the prompt's among the document's
   * @param schema what it has to satisfy; null where it is free
   */
  Answer(
      Writer writer,
      int[] prompt,
      GenerationOptions options,
      int index,
      SchemaConstraint schema,
      Consumer<String> listener) {
    this.writer = writer;
    this.options = options;
    this.listener = listener;
    sampler =
        greedy()
            ? null
            : new Sampler(
                options.temperature(), options.topK(), options.topP(), options.seed() + index);
    constraint = schema == null ? null : schema.start();
    // What satisfies a schema does so by itself, even behind half a character.
    detokenizer = writer.tokenizer().stream(schema == null ? prompt : NONE);
    stops = new StopStrings(options.stop());
    limit = Math.min(options.maxNewTokens(), writer.contextTokens() - prompt.length);
  }

  private boolean greedy() {
    return options.temperature() == 0;
  }

  /** How the device is to choose the next token: the same until one is accepted. */
  Draw draw() {
    // What is masked here, the device knows nothing of.
    return greedy() || constraint != null ? Draw.GREEDY : next();
  }

  private Draw next() {
    if (draw == null) {
      draw = sampler.next();
    }
    return draw;
  }

  /**
   * Chooses the next token.
   *
   * @param chosen what {@link #draw} came to
   * @param logits all tokens'; asked for only where they are needed
   */
  int choose(int chosen, Supplier<float[]> logits) {
    int[] forced = constraint == null ? NONE : constraint.forced();
    if (forced.length > 0) {
      return forced[0];
    }
    if (!options.probabilities()) {
      return pick(chosen, logits);
    }
    float[] all = logits.get();
    int token = pick(chosen, all::clone);
    probability = Sampler.probability(all, token);
    return token;
  }

  private int pick(int chosen, Supplier<float[]> logits) {
    if (constraint == null) {
      return chosen;
    }
    if (greedy()) {
      return allows(chosen) ? chosen : constraint.best(logits.get());
    }
    float[] all = logits.get();
    constraint.mask(all);
    int drawn = next().of(all);
    return drawn >= 0 && allows(drawn) ? drawn : constraint.best(all);
  }

  private boolean allows(int token) {
    return constraint == null || constraint.allows(token);
  }

  /**
   * Takes the next token, and those that must follow it.
   *
   * @return the tokens that the model has to read before it is asked again; none where the last one
   *     has come
   */
  int[] accept(int token) {
    draw = null;
    int from = tokens.size();
    take(token);
    if (constraint != null && reason == null) {
      for (int forced : constraint.forced()) {
        if (reason == null) {
          take(forced);
        }
      }
    }
    if (reason == null) {
      return tokens.subList(from, tokens.size()).stream().mapToInt(id -> id).toArray();
    }
    emit(stops.accept(detokenizer.flush()));
    emit(stops.flush());
    return NONE;
  }

  private void take(int token) {
    tokens.add(token);
    if (options.probabilities()) {
      begins.add(text.length());
      probabilities.add(probability);
      probability = Double.NaN;
    }
    boolean end = writer.endTokens().contains(token) && !options.pastEnd();
    if (!end) {
      emit(stops.accept(detokenizer.accept(token)));
    }
    if (constraint != null) {
      constraint.accept(token);
      if (constraint.finished()) {
        reason = FinishReason.SCHEMA;
        return;
      }
    }
    if (end || stops.found()) {
      reason = FinishReason.STOP;
    } else if (tokens.size() == limit) {
      reason = FinishReason.LENGTH;
    }
  }

  private void emit(String piece) {
    if (!piece.isEmpty()) {
      text.append(piece);
      listener.accept(piece);
    }
  }

  Completion completion() {
    return new Completion(text.toString(), List.copyOf(tokens), reason, tokenProbabilities());
  }

  /** A token that held only part of a character ends where the character does. */
  private List<TokenProbability> tokenProbabilities() {
    Deque<TokenProbability> known = new ArrayDeque<>();
    int next = text.length();
    int end = next;
    for (int i = probabilities.size() - 1; i >= 0; i--) {
      int begin = begins.get(i);
      if (begin < next) {
        end = next;
        next = begin;
      }
      if (!probabilities.get(i).isNaN()) {
        known.addFirst(new TokenProbability(begin, end, probabilities.get(i)));
      }
    }
    return List.copyOf(known);
  }
}
