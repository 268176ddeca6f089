package dev.lowpass.pipeline.schema;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A JSON Schema, compiled for a vocabulary: whatever ends under it is an instance of the schema.
 *
 * <p>States are derived and their token masks computed when a completion first gets there, and kept
 * for all completions. Thread-safe.
 */
public final class SchemaConstraint {
  /** When more was derived, everything is forgotten and derived anew: some 100 MB. */
  private static final int MAX_EXPRESSIONS = 100_000;

  private static final int MAX_MASK_BYTES = 64 << 20;

  /** Longer constants are forced span by span. */
  private static final int MAX_SPAN = 1024;

  private final Expressions expressions = new Expressions();
  private final Expression start;
  private final TokenTrie trie;
  private final Set<Integer> endTokens;
  private final Map<Expression, long[]> masks = new HashMap<>();
  private final Map<Expression, int[]> spans = new HashMap<>();

  private SchemaConstraint(
      String name, String schema, Absence absence, TokenTrie trie, Set<Integer> endTokens) {
    this.start = SchemaCompiler.compile(name, schema, absence, expressions);
    this.trie = trie;
    this.endTokens =
        endTokens.stream()
            .filter(token -> token < trie.vocabulary().size())
            .collect(Collectors.toUnmodifiableSet());
    expressions.keep();
  }

  /**
   * Compiles a schema.
   *
   * @param name what to call it in errors, such as its file's name
   * @param absence how optional properties say that they have no value
   * @param trie the model's vocabulary
   * @param endTokens the tokens by which a completion ends; they may come where a value is complete
   * @throws dev.lowpass.pipeline.model.ModelException if the schema is not supported, in one line
   *     that names the schema, the JSON pointer and the keyword
   */
  public static SchemaConstraint compile(
      String name, String schema, Absence absence, TokenTrie trie, Set<Integer> endTokens) {
    return new SchemaConstraint(name, schema, absence, trie, endTokens);
  }

  /** For a new completion. */
  public TokenConstraint start() {
    return new Progress();
  }

  private synchronized long[] mask(Expression state) {
    forgetIfLarge();
    return masks.computeIfAbsent(
        state,
        key -> {
          long[] mask = trie.allowed(state, expressions);
          for (int token : endTokens) {
            mask[token >> 6] &= ~(1L << token);
            mask[token >> 6] |= state.nullable ? 1L << token : 0;
          }
          return mask;
        });
  }

  private void forgetIfLarge() {
    long maskBytes = (long) masks.size() * (trie.vocabulary().size() / 8);
    if (expressions.derived() > MAX_EXPRESSIONS || maskBytes > MAX_MASK_BYTES) {
      masks.clear();
      spans.clear();
      expressions.forgetDerivatives();
    }
  }

  /** The state behind some bytes; null where they may not come. */
  private synchronized Expression after(Expression state, byte[] bytes) {
    Expression next = state;
    for (int i = 0; i < bytes.length && next != null; i++) {
      next = expressions.row(next)[bytes[i] & 0xff];
    }
    return next;
  }

  private synchronized int[] forced(Expression state) {
    forgetIfLarge();
    return spans.computeIfAbsent(state, this::span);
  }

  /**
   * The tokens of all bytes that must come. The last ones are left to the model where another token
   * begins like them and reaches into what is free: the model may want that one.
   */
  private int[] span(Expression from) {
    ByteArrayOutputStream forced = new ByteArrayOutputStream();
    Expression state = from;
    for (int next = onlyByte(state); next >= 0 && forced.size() < MAX_SPAN; ) {
      forced.write(next);
      state = expressions.row(state)[next];
      next = onlyByte(state);
    }
    byte[] bytes = wholeCharacters(forced.toByteArray());
    if (bytes.length == 0) {
      return new int[0];
    }
    state = after(from, bytes);
    int[] tokens = trie.vocabulary().encode(new String(bytes, StandardCharsets.UTF_8));
    int end = bytes.length;
    int kept = tokens.length;
    for (int i = tokens.length - 1; i >= 0; i--) {
      byte[] token = trie.vocabulary().bytes(tokens[i]);
      int begin = end - token.length;
      if (begin == end || begin < 0 || !Arrays.equals(token, 0, end - begin, bytes, begin, end)) {
        return new int[0]; // the tokenizer rewrites this text
      }
      if (trie.reachesBeyond(bytes, begin, state, expressions)) {
        kept = i;
      }
      end = begin;
    }
    return end == 0 ? Arrays.copyOf(tokens, kept) : new int[0];
  }

  /** The byte that must come next, or -1. */
  private int onlyByte(Expression state) {
    int only = -1;
    if (!state.nullable) {
      Expression[] row = expressions.row(state);
      for (int b = 0; b < row.length; b++) {
        if (row[b] != null) {
          if (only >= 0) {
            return -1;
          }
          only = b;
        }
      }
    }
    return only;
  }

  /** The bytes as far as they are whole characters of UTF-8. */
  private static byte[] wholeCharacters(byte[] bytes) {
    for (int length = bytes.length; length > bytes.length - 4 && length > 0; length--) {
      byte[] whole = Arrays.copyOf(bytes, length);
      String text = new String(whole, StandardCharsets.UTF_8);
      if (Arrays.equals(text.getBytes(StandardCharsets.UTF_8), whole)) {
        return whole;
      }
    }
    return new byte[0];
  }

  /** One completion's place in the automaton. */
  private final class Progress implements TokenConstraint {
    private Expression state = start;
    private boolean ended;

    @Override
    public boolean allows(int token) {
      if (endTokens.contains(token)) {
        return !ended && state.nullable;
      }
      byte[] bytes = bytes(token);
      return !ended && bytes.length > 0 && after(state, bytes) != null;
    }

    private byte[] bytes(int token) {
      return trie.vocabulary().bytes(token);
    }

    @Override
    public int best(float[] logits) {
      int best = 0;
      for (int token = 1; token < logits.length; token++) {
        best = logits[token] > logits[best] ? token : best;
      }
      if (allows(best)) {
        return best;
      }
      long[] mask = SchemaConstraint.this.mask(state);
      best = -1;
      for (int word = 0; word < mask.length; word++) {
        for (long rest = mask[word]; rest != 0; rest &= rest - 1) {
          int token = word << 6 | Long.numberOfTrailingZeros(rest);
          best = best < 0 || logits[token] > logits[best] ? token : best;
        }
      }
      if (best < 0) {
        throw new IllegalStateException("the vocabulary has no token that could come next");
      }
      return best;
    }

    @Override
    public void mask(float[] logits) {
      long[] mask = SchemaConstraint.this.mask(state);
      for (int token = 0; token < logits.length; token++) {
        if (token >> 6 >= mask.length || (mask[token >> 6] >> token & 1) == 0) {
          logits[token] = Float.NEGATIVE_INFINITY;
        }
      }
    }

    @Override
    public int[] forced() {
      return ended ? new int[0] : SchemaConstraint.this.forced(state).clone();
    }

    @Override
    public void accept(int token) {
      if (!allows(token)) {
        throw new IllegalArgumentException("token " + token + " may not come here");
      }
      if (endTokens.contains(token)) {
        ended = true;
      } else {
        state = after(state, bytes(token));
      }
    }

    @Override
    public boolean finished() {
      return ended || state == expressions.empty();
    }
  }
}
