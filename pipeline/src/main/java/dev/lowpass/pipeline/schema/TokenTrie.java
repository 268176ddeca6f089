package dev.lowpass.pipeline.schema;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A vocabulary as a trie over its tokens' bytes, its nodes laid out in preorder: a walk is one scan
 * that skips the subtrees that it cannot enter. Immutable; a model needs one.
 */
public final class TokenTrie {
  private static final int NONE = -1;

  private final Vocabulary vocabulary;

  /** Of each node but the root: its byte, its depth (from 0), and where its subtree ends. */
  private byte[] bytes = new byte[1024];

  private int[] depths = new int[1024];
  private int[] ends = new int[1024];

  /** A node's token; others with the same bytes follow by {@link #twins}. */
  private int[] tokens = new int[1024];

  private final int[] twins;
  private int nodes;
  private int longest;

  public TokenTrie(Vocabulary vocabulary) {
    this.vocabulary = vocabulary;
    this.twins = new int[vocabulary.size()];
    Arrays.fill(twins, NONE);
    List<Integer> ids = new ArrayList<>();
    for (int id = 0; id < vocabulary.size(); id++) {
      if (vocabulary.bytes(id).length > 0) {
        ids.add(id);
      }
    }
    // The sort is stable: of tokens with the same bytes the lowest comes first.
    ids.sort(
        (one, other) -> Arrays.compareUnsigned(vocabulary.bytes(one), vocabulary.bytes(other)));
    byte[] previous = {};
    int[] path = new int[16];
    for (int id : ids) {
      byte[] token = vocabulary.bytes(id);
      int mismatch = Arrays.mismatch(previous, token);
      if (mismatch < 0) {
        twins[id] = tokens[nodes - 1];
        tokens[nodes - 1] = id;
        continue;
      }
      closeFrom(mismatch, previous.length, path);
      path = path.length < token.length ? Arrays.copyOf(path, 2 * token.length) : path;
      for (int depth = mismatch; depth < token.length; depth++) {
        path[depth] = append(token[depth], depth);
      }
      tokens[nodes - 1] = id;
      longest = Math.max(longest, token.length);
      previous = token;
    }
    closeFrom(0, previous.length, path);
  }

  private void closeFrom(int depth, int length, int[] path) {
    for (int d = depth; d < length; d++) {
      ends[path[d]] = nodes;
    }
  }

  private int append(byte b, int depth) {
    if (nodes == bytes.length) {
      bytes = Arrays.copyOf(bytes, 2 * nodes);
      depths = Arrays.copyOf(depths, 2 * nodes);
      ends = Arrays.copyOf(ends, 2 * nodes);
      tokens = Arrays.copyOf(tokens, 2 * nodes);
    }
    bytes[nodes] = b;
    depths[nodes] = depth;
    tokens[nodes] = NONE;
    return nodes++;
  }

  Vocabulary vocabulary() {
    return vocabulary;
  }

  /** The tokens that may follow in a state, as bits by id. */
  long[] allowed(Expression state, Expressions expressions) {
    long[] allowed = new long[(vocabulary.size() + 63) / 64];
    // The states before a byte of each depth.
    Expression[] states = new Expression[longest + 1];
    states[0] = state;
    for (int node = 0; node < nodes; ) {
      int depth = depths[node];
      Expression next = expressions.row(states[depth])[bytes[node] & 0xff];
      if (next == null) {
        node = ends[node];
        continue;
      }
      for (int token = tokens[node]; token != NONE; token = twins[token]) {
        allowed[token >> 6] |= 1L << token;
      }
      states[depth + 1] = next;
      node++;
    }
    return allowed;
  }

  /**
   * Whether a token begins with {@code text} from {@code from} on and goes on with what may follow
   * in {@code state}.
   */
  boolean reachesBeyond(byte[] text, int from, Expression state, Expressions expressions) {
    if (text.length - from >= longest) {
      return false;
    }
    int node = 0;
    int end = nodes;
    for (int i = from; i < text.length; i++) {
      while (node < end && bytes[node] != text[i]) {
        node = ends[node];
      }
      if (node == end) {
        return false;
      }
      end = ends[node++];
    }
    int base = text.length - from;
    Expression[] states = new Expression[longest + 1];
    states[base] = state;
    while (node < end) {
      int depth = depths[node];
      Expression next = expressions.row(states[depth])[bytes[node] & 0xff];
      if (next == null) {
        node = ends[node];
        continue;
      }
      if (tokens[node] != NONE) {
        return true;
      }
      states[depth + 1] = next;
      node++;
    }
    return false;
  }
}
