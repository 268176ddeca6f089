package dev.lowpass.pipeline.text;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The text of tokens, as the decoder section of a tokenizer.json describes it: byte-level BPE, the
 * sentencepiece sequence of Llama and Mistral, or Metaspace. Each token's bytes are worked out
 * once, so that decoding is a table look-up, token by token.
 */
final class TokenDecoder {
  private static final byte[] NOTHING = {};

  /** The bytes of each token by id; null where it has no text: special tokens and gaps. */
  private final byte[][] pieces;

  /** How many blanks to drop at the start of a text. */
  private int leadingBlanks;

  private boolean wordsEndTokens = true;

  TokenDecoder(TokenizerFile file) {
    String[] tokens = file.tokens();
    List<JsonNode> steps = new ArrayList<>();
    flatten(file.decoder(), steps);
    if (steps.isEmpty()) {
      throw file.fault("'decoder' is missing");
    }
    this.pieces = new byte[tokens.length][];
    for (int id = 0; id < tokens.length; id++) {
      if (tokens[id] != null && !file.specialTokens().contains(id)) {
        pieces[id] = piece(tokens[id], steps, file);
        wordsEndTokens &= !reachesPastWord(pieces[id]);
      }
    }
  }

  private static void flatten(JsonNode decoder, List<JsonNode> steps) {
    if (decoder.path("type").asText().equals("Sequence")) {
      decoder.path("decoders").forEach(step -> flatten(step, steps));
    } else if (decoder.isObject()) {
      steps.add(decoder);
    }
  }

  private byte[] piece(String token, List<JsonNode> steps, TokenizerFile file) {
    String text = token;
    boolean fused = false;
    for (JsonNode step : steps) {
      String type = step.path("type").asText();
      switch (type) {
        case "ByteLevel" -> {
          return ByteLevel.bytes(text);
        }
        case "ByteFallback" -> {
          if (text.matches("<0x[0-9A-Fa-f]{2}>")) {
            return new byte[] {(byte) Integer.parseInt(text.substring(3, 5), 16)};
          }
        }
        case "Replace" -> {
          JsonNode pattern = step.path("pattern").path("String");
          if (fused || !pattern.isTextual() || pattern.asText().isEmpty()) {
            throw file.fault("a 'Replace' decoder of this kind is not supported");
          }
          text = text.replace(pattern.asText(), step.path("content").asText());
        }
        case "Metaspace" -> {
          text = text.replace(step.path("replacement").asText("▁"), " ");
          leadingBlanks =
              step.path("prepend_scheme").asText("always").equals("never")
                      || !step.path("add_prefix_space").asBoolean(true)
                  ? 0
                  : 1;
        }
        case "Fuse" -> fused = true;
        case "Strip" -> {
          if (!fused
              || !step.path("content").asText().equals(" ")
              || step.path("stop").asInt() != 0) {
            throw file.fault("a 'Strip' decoder of this kind is not supported");
          }
          leadingBlanks = step.path("start").asInt();
        }
        default -> throw file.fault("the decoder '" + type + "' is not supported");
      }
    }
    return text.getBytes(StandardCharsets.UTF_8);
  }

  int size() {
    return pieces.length;
  }

  /** Whether no token has a blank or line break after an ASCII letter. */
  boolean wordsEndTokens() {
    return wordsEndTokens;
  }

  private static boolean reachesPastWord(byte[] piece) {
    for (int i = 1; i < piece.length; i++) {
      if ((piece[i] == ' ' || piece[i] == '\n' || piece[i] == '\r')
          && isAsciiLetter(piece[i - 1])) {
        return true;
      }
    }
    return false;
  }

  private static boolean isAsciiLetter(byte b) {
    return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z');
  }

  /** How many blanks a text loses at its start. */
  int leadingBlanks() {
    return leadingBlanks;
  }

  /** The bytes of a token; empty where it has no text. Not to be changed. */
  byte[] bytes(int token) {
    byte[] piece = token >= 0 && token < pieces.length ? pieces[token] : null;
    return piece == null ? NOTHING : piece;
  }

  /** The text of some tokens; bytes that are no UTF-8 become U+FFFD. */
  String decode(int[] tokens) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(tokens.length * 4);
    for (int token : tokens) {
      bytes.writeBytes(bytes(token));
    }
    byte[] all = bytes.toByteArray();
    int from = 0;
    while (from < Math.min(leadingBlanks, all.length) && all[from] == ' ') {
      from++;
    }
    return new String(all, from, all.length - from, StandardCharsets.UTF_8);
  }

  /** GPT-2's spelling of bytes as printable characters. */
  private static final class ByteLevel {
    private static final int[] BYTE_OF_CHARACTER = new int[512];

    static {
      Arrays.fill(BYTE_OF_CHARACTER, -1);
      int next = 256;
      for (int b = 0; b < 256; b++) {
        boolean printable = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xff && b != 0xad);
        BYTE_OF_CHARACTER[printable ? b : next++] = b;
      }
    }

    /** The bytes that a token spells; an added token, which spells none, stands for itself. */
    static byte[] bytes(String token) {
      byte[] bytes = new byte[token.length()];
      for (int i = 0; i < bytes.length; i++) {
        char c = token.charAt(i);
        int value = c < BYTE_OF_CHARACTER.length ? BYTE_OF_CHARACTER[c] : -1;
        if (value < 0) {
          return token.getBytes(StandardCharsets.UTF_8);
        }
        bytes[i] = (byte) value;
      }
      return bytes;
    }
  }
}
