package dev.lowpass.pipeline.text;

import dev.lowpass.pipeline.model.ModelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A model's tokenizer and chat template. Token ids are those that Hugging Face's tokenizers give,
 * except that a document is data: control tokens that its text spells out become ordinary text.
 *
 * <p>Thread-safe. Holds native memory (tens of MB) until closed.
 */
public final class TextTokenizer implements AutoCloseable {
  /**
   * The longest text, in characters, that goes to the native library at once. It needs some 150
   * bytes a character, and it ends the whole process where a regular expression has to back up 10
   * million times, as it does over as many blanks.
   */
  private static final int MAX_PIECE = 1 << 19;

  private final NativeTokenizer tokenizer;
  private final TokenDecoder decoder;
  private final ControlTokens controlTokens;
  private final Map<String, Integer> addedTokens;
  private final TokenizerConfig config;
  private final OptionalInt bos;
  private final OptionalInt eos;
  private final ChatTemplate template;
  private final TemplateException templateFault;

  /** The ids of a line break alone: more than one where each text begins with a blank. */
  private final int[] lineBreak;

  private TextTokenizer(TokenizerFile file, TokenizerConfig config) {
    this.decoder = new TokenDecoder(file);
    this.controlTokens = file.controlTokens();
    this.addedTokens = file.addedTokens();
    this.config = config;
    this.bos = file.id(config.specialTokens().get("bos_token"));
    this.eos = file.id(config.specialTokens().get("eos_token"));
    ChatTemplate compiled = null;
    TemplateException fault = null;
    if (config.chatTemplate() != null) {
      try {
        compiled = ChatTemplate.compile(config.chatTemplate());
      } catch (TemplateException e) {
        fault = e;
      }
    }
    this.template = compiled;
    this.templateFault = fault;
    this.tokenizer = file.toNative();
    this.lineBreak = tokenizer.encode("\n", /* withSpecial= */ false);
  }

  /**
   * Loads tokenizer.json and, where they exist, tokenizer_config.json and chat_template.jinja from
   * a model folder. A chat template that is not supported is reported when it is first used.
   *
   * @throws ModelException naming the file and what is wrong with it
   */
  public static TextTokenizer load(Path modelFolder) {
    NativeTokenizer.loadAhead();
    return new TextTokenizer(new TokenizerFile(modelFolder), TokenizerConfig.read(modelFolder));
  }

  /** The ids of a plain text such as a document: all of it text, and nothing added. */
  public int[] encode(String text) {
    return encodePieces(wellFormed(text), MAX_PIECE);
  }

  /**
   * The ids of a prompt that its author controls, as Hugging Face's default call gives them:
   * control tokens that it spells out count as such, and the bos token comes first where the model
   * wants it. Never for documents.
   */
  public int[] encodeWithSpecial(String text) {
    return begun(encodePieces(controlTokens.translate(wellFormed(text)), MAX_PIECE));
  }

  /**
   * The ids of a plain text that a sequence begins with: all of it text, after the bos token where
   * the model wants it.
   */
  public int[] encodeFirst(String text) {
    return begun(encode(text));
  }

  /** The ids of a sequence's text, after the bos token where the model wants it. */
  private int[] begun(int[] ids) {
    boolean wanted =
        config.addBos() != null
            ? config.addBos() && bos.isPresent()
            : bos.isPresent() && startsWithBos(tokenizer.encode("", /* withSpecial= */ true));
    return wanted ? concat(new int[] {bos.getAsInt()}, ids) : ids;
  }

  /** The ids of a text that continues another one: no blank is put before it. */
  public int[] encodeContinuation(String text) {
    return encodePiece(wellFormed(text), /* continues= */ true);
  }

  private boolean startsWithBos(int[] ids) {
    return ids.length > 0 && ids[0] == bos.getAsInt();
  }

  /**
   * The ids of a chat, rendered with the model's template up to where the model is to answer.
   * Control tokens come from the template alone; whatever messages contain is text.
   *
   * @throws ModelException if the model has no chat template, or one that is not supported or does
   *     not accept the messages
   */
  public int[] encodeChat(List<Message> messages) {
    return encodePieces(renderSealed(messages), MAX_PIECE);
  }

  /** The text of a chat, with the control tokens of the template under their secret names. */
  String renderSealed(List<Message> messages) {
    if (template == null) {
      throw templateFault != null
          ? new ModelException(config.templateFile() + ": " + templateFault.getMessage())
          : new ModelException(
              config.templateFile() + ": the model has no chat template ('chat_template')");
    }
    List<String> contents = messages.stream().map(m -> wellFormed(m.content())).toList();
    ControlTokens.Veil veil = controlTokens.new Veil(contents);
    List<Map<String, String>> veiled = new ArrayList<>();
    for (int i = 0; i < contents.size(); i++) {
      veiled.add(Map.of("role", messages.get(i).role(), "content", veil.hide(contents.get(i))));
    }
    Map<String, Object> variables = new HashMap<>(config.specialTokens());
    variables.put("messages", veiled);
    variables.put("add_generation_prompt", true);
    variables.put("tools", null);
    variables.put("documents", null);
    String rendered;
    try {
      rendered = template.render(variables);
    } catch (TemplateException e) {
      throw new ModelException(config.templateFile() + ": " + e.getMessage(), e);
    }
    return veil.reveal(rendered);
  }

  /** Whether the model folder has a chat template, supported or not. */
  public boolean hasChatTemplate() {
    return config.chatTemplate() != null;
  }

  /** The same without loading the tokenizer, which is large. */
  public static boolean hasChatTemplate(Path modelFolder) {
    return TokenizerConfig.read(modelFolder).chatTemplate() != null;
  }

  /** Encodes a text, with control tokens only under their secret names, piece by piece. */
  int[] encodePieces(String text, int maxPiece) {
    if (text.length() <= maxPiece) {
      return tokenizer.encode(text, /* withSpecial= */ false);
    }
    int[] ids = new int[text.length() / 3];
    int size = 0;
    for (int from = 0; from < text.length(); ) {
      int to = cut(text, from, maxPiece);
      int[] piece = encodePiece(text.substring(from, to), from > 0);
      if (size + piece.length > ids.length) {
        ids = Arrays.copyOf(ids, Math.max(size + piece.length, ids.length + ids.length / 2));
      }
      System.arraycopy(piece, 0, ids, size, piece.length);
      size += piece.length;
      from = to;
    }
    return Arrays.copyOf(ids, size);
  }

  /** Encodes a piece; one that continues a text must not begin with a blank of its own. */
  private int[] encodePiece(String piece, boolean continues) {
    if (continues && lineBreak.length > 1) {
      // After a line break, no blank is put before it.
      int[] ids = tokenizer.encode("\n" + piece, /* withSpecial= */ false);
      int skipped = lineBreak.length;
      if (ids.length >= skipped && Arrays.equals(ids, 0, skipped, lineBreak, 0, skipped)) {
        return Arrays.copyOfRange(ids, skipped, ids.length);
      }
    }
    return tokenizer.encode(piece, /* withSpecial= */ false);
  }

  /**
   * Where the piece of a long text ends that begins at {@code from}: before the last single blank
   * or line break that stands between letters, because no token reaches across a word's end, so
   * that the ids are those of the whole text. A text without one for a whole piece is cut anywhere.
   */
  private int cut(String text, int from, int maxPiece) {
    int limit = from + maxPiece;
    if (limit >= text.length()) {
      return text.length();
    }
    for (int at = limit; decoder.wordsEndTokens() && at > from; at--) {
      int gap = gap(text, at);
      if (gap > 0
          && at + gap < text.length()
          && isAsciiLetter(text.charAt(at - 1))
          && isAsciiLetter(text.charAt(at + gap))) {
        return at;
      }
    }
    int end = controlTokens.cutOutsideNames(text, limit);
    return Character.isSurrogatePair(text.charAt(end - 1), text.charAt(end)) ? end - 1 : end;
  }

  /** The length of the blank or line break at {@code at}; 0 where there is none. */
  private static int gap(String text, int at) {
    char c = text.charAt(at);
    return text.startsWith("\r\n", at) ? 2 : c == ' ' || c == '\n' ? 1 : 0;
  }

  private static boolean isAsciiLetter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }

  /** A text with its unpaired surrogates, which no UTF-8 can hold, replaced by U+FFFD. */
  static String wellFormed(String text) {
    if (StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      return text;
    }
    StringBuilder repaired = new StringBuilder(text.length());
    text.codePoints()
        .forEach(c -> repaired.appendCodePoint(c >= 0xd800 && c <= 0xdfff ? 0xfffd : c));
    return repaired.toString();
  }

  private static int[] concat(int[] first, int[] second) {
    int[] all = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, all, first.length, second.length);
    return all;
  }

  /** The text of some tokens, special tokens skipped; bytes that are no UTF-8 become U+FFFD. */
  public String decode(int[] tokens) {
    return decoder.decode(tokens);
  }

  /**
   * The bytes that a token adds to a text, not to be changed: often no whole characters. None for
   * special tokens and ids without a token.
   */
  public byte[] bytes(int token) {
    return decoder.bytes(token);
  }

  /**
   * Decodes tokens as they are generated.
   *
   * @param prompt the prompt, or its last tokens: where it ends in text, the new tokens continue
   *     that text and a blank between the two is kept; after a control token a text begins
   */
  public StreamDecoder stream(int[] prompt) {
    int from = prompt.length;
    while (from > 0 && !controlTokens.ids().contains(prompt[from - 1])) {
      from--;
    }
    StreamDecoder stream = new StreamDecoder(decoder);
    for (int i = from; i < prompt.length; i++) {
      stream.accept(prompt[i]);
    }
    return stream;
  }

  /** The id of a token that was added to the vocabulary, such as a special token, by its text. */
  public OptionalInt tokenId(String specialToken) {
    Integer id = addedTokens.get(specialToken);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /** The ids that text never becomes: they come from the chat template or from the model. */
  public Set<Integer> controlTokens() {
    return controlTokens.ids();
  }

  /** The end-of-text token that tokenizer_config.json names. */
  public OptionalInt eos() {
    return eos;
  }

  /** The begin-of-text token that tokenizer_config.json names. */
  public OptionalInt bos() {
    return bos;
  }

  /** One more than the largest token id; a model's embedding may have more rows. */
  public int vocabularySize() {
    return decoder.size();
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
