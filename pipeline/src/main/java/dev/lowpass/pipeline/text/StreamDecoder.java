package dev.lowpass.pipeline.text;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Decodes tokens one at a time. What {@link #accept} returns is final: it never ends inside a UTF-8
 * character, and everything together is what decoding all tokens at once gives. The work per token
 * depends on that token alone. Not thread-safe.
 */
public final class StreamDecoder {
  /** The longest start of a character that can be left over: three of four bytes. */
  private static final int MAX_PENDING = 3;

  private final TokenDecoder decoder;
  private final CharsetDecoder utf8 =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPLACE)
          .onUnmappableCharacter(CodingErrorAction.REPLACE);
  private byte[] pending = new byte[0];
  private int leadingBlanks;

  StreamDecoder(TokenDecoder decoder) {
    this.decoder = decoder;
    this.leadingBlanks = decoder.leadingBlanks();
  }

  /** The text that this token completes; empty where a character is still open. */
  public String accept(int token) {
    byte[] piece = decoder.bytes(token);
    int from = 0;
    for (; leadingBlanks > 0 && from < piece.length && piece[from] == ' '; from++) {
      leadingBlanks--;
    }
    if (from < piece.length) {
      leadingBlanks = 0;
    }
    ByteBuffer bytes = ByteBuffer.allocate(pending.length + piece.length - from);
    bytes.put(pending).put(piece, from, piece.length - from).flip();
    CharBuffer text = CharBuffer.allocate(bytes.remaining() + 1);
    utf8.reset();
    utf8.decode(bytes, text, /* endOfInput= */ false);
    pending = new byte[bytes.remaining()];
    bytes.get(pending);
    return text.flip().toString();
  }

  /** What is left at the end: a character that was never completed, as U+FFFD. */
  public String flush() {
    CharBuffer text = CharBuffer.allocate(MAX_PENDING + 1);
    utf8.reset();
    utf8.decode(ByteBuffer.wrap(pending), text, /* endOfInput= */ true);
    pending = new byte[0];
    return text.flip().toString();
  }
}
