package dev.lowpass.pipeline.schema;

import dev.lowpass.pipeline.text.TextTokenizer;

/** A model's tokens, as far as they spell text. */
public interface Vocabulary {
  /** One more than the largest token id. */
  int size();

  /** The bytes of a token, not to be changed; none where it is a control token or no token. */
  byte[] bytes(int token);

  /** The ids of a text that continues another one. */
  int[] encode(String text);

  /** A tokenizer's. */
  static Vocabulary of(TextTokenizer tokenizer) {
    return new Vocabulary() {
      private static final byte[] NOTHING = {};

      @Override
      public int size() {
        return tokenizer.vocabularySize();
      }

      @Override
      public byte[] bytes(int token) {
        return tokenizer.controlTokens().contains(token) ? NOTHING : tokenizer.bytes(token);
      }

      @Override
      public int[] encode(String text) {
        return tokenizer.encodeContinuation(text);
      }
    };
  }
}
