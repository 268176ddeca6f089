package dev.lowpass.pipeline.text;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A text in pieces of so many tokens, each of which begins with the last tokens of the one before
 * it. Pieces are cut between characters, so that those without overlap give the text again when
 * they are put together.
 */
public final class TextChunks {
  private TextChunks() {}

  /**
   * Cuts a text.
   *
   * @param tokens of a piece, but for the last, which has what is left; where a piece would end
   *     inside of a character, it ends before it
   * @param overlap tokens that a piece has in common with the one before it, from 0 to {@code
   *     tokens - 1}
   * @throws IllegalArgumentException if there are no such pieces
   */
  public static List<String> of(TextTokenizer tokenizer, String text, int tokens, int overlap) {
    check(tokens, overlap);
    byte[] bytes = TextTokenizer.wellFormed(text).getBytes(StandardCharsets.UTF_8);
    int[] begins = begins(tokenizer, tokenizer.encode(text), bytes);
    int count = begins.length - 1;
    List<String> chunks = new ArrayList<>();
    for (int from = 0; from < count; from += tokens - overlap) {
      int to = Math.min(count, from + tokens);
      if (begins[from] < begins[to]) {
        chunks.add(
            new String(bytes, begins[from], begins[to] - begins[from], StandardCharsets.UTF_8));
      }
      if (to == count) {
        break;
      }
    }
    return chunks;
  }

  /**
   * Checks the sizes of pieces.
   *
   * @throws IllegalArgumentException if there are no such pieces
   */
  public static void check(int tokens, int overlap) {
    if (tokens < 1) {
      throw new IllegalArgumentException("chunks of " + tokens + " tokens; give at least 1");
    }
    if (overlap < 0 || overlap >= tokens) {
      throw new IllegalArgumentException(
          "chunks of %d tokens that overlap by %d; give an overlap of 0 to %d"
              .formatted(tokens, overlap, tokens - 1));
    }
  }

  /** Where each token begins in the text, in bytes, and where the last ends. */
  private static int[] begins(TextTokenizer tokenizer, int[] ids, byte[] text) {
    int[] begins = new int[ids.length + 1];
    int at = 0;
    for (int i = 0; i < ids.length; i++) {
      begins[i] = characterAt(text, at);
      at += length(tokenizer.bytes(ids[i]), text, at);
    }
    begins[ids.length] = text.length;
    return begins;
  }

  /**
   * How many bytes of the text a token takes: those it stands for, but for a blank that the
   * tokenizer put before a word. Where a tokenizer changes characters (to their composed form, say)
   * they may be a few more or less.
   */
  private static int length(byte[] token, byte[] text, int at) {
    int rest = text.length - at;
    boolean added =
        token.length > 0
            && token[0] == ' '
            && !startsWith(token, 0, text, at)
            && startsWith(token, 1, text, at);
    return Math.min(rest, added ? token.length - 1 : token.length);
  }

  private static boolean startsWith(byte[] token, int skipped, byte[] text, int at) {
    int end = at + token.length - skipped;
    return end <= text.length && Arrays.equals(token, skipped, token.length, text, at, end);
  }

  /** The start of the character that a byte belongs to. */
  private static int characterAt(byte[] text, int at) {
    int start = at;
    while (start > 0 && start < text.length && (text[start] & 0xc0) == 0x80) {
      start--;
    }
    return start;
  }
}
