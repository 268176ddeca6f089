package dev.lowpass.pipeline.text;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The tokens that steer a model, such as {@code <|im_end|>} or {@code </s>}, kept apart from text.
 *
 * <p>Hugging Face tokenizers find such tokens in any text. Here the tokenizer knows them only under
 * secret names, drawn anew for each process, so that no document can spell one. What may steer, the
 * text of a chat template, has its control tokens translated to these names first.
 */
final class ControlTokens {
  /** How secret names begin and end: not letters, so that nothing merges with them. */
  private static final char NAME_START = '\uE000';

  private static final char NAME_END = '\uE001';

  private static final char FIRST_SUBSTITUTE = '\uE002';
  private static final char LAST_SUBSTITUTE = '\uF8FF';

  private record Token(String content, int id, String name) {}

  private final Map<String, Token> byContent = new LinkedHashMap<>();

  /** The tokens by their first character, the longest first. */
  private final Map<Character, List<Token>> byFirst = new HashMap<>();

  private final Set<Integer> ids;
  private final String namePrefix;
  private final int nameLength;

  ControlTokens(Map<String, Integer> idsByContent) {
    byte[] secret = new byte[16];
    new SecureRandom().nextBytes(secret);
    this.namePrefix = NAME_START + HexFormat.of().formatHex(secret);
    this.nameLength = name(0).length();
    idsByContent.forEach(
        (content, id) -> {
          Token token = new Token(content, id, name(byContent.size()));
          byContent.put(content, token);
          byFirst.computeIfAbsent(content.charAt(0), c -> new ArrayList<>()).add(token);
        });
    this.ids = byContent.values().stream().map(Token::id).collect(Collectors.toUnmodifiableSet());
    byFirst
        .values()
        .forEach(
            tokens ->
                tokens.sort(
                    Comparator.comparingInt((Token token) -> token.content().length()).reversed()));
  }

  private String name(int index) {
    return namePrefix + String.format("%06d", index) + NAME_END;
  }

  boolean contains(String content) {
    return byContent.containsKey(content);
  }

  /** The name under which the tokenizer knows a control token. */
  String name(String content) {
    return byContent.get(content).name();
  }

  OptionalInt id(String content) {
    Token token = byContent.get(content);
    return token == null ? OptionalInt.empty() : OptionalInt.of(token.id());
  }

  Set<Integer> ids() {
    return ids;
  }

  /** The last place at or before {@code end} at which {@code text} can be cut outside a name. */
  int cutOutsideNames(String text, int end) {
    int name = text.lastIndexOf(namePrefix, end);
    return name >= 0 && name < end && name + nameLength > end ? name : end;
  }

  /** A text with its control tokens under their names; of several that fit, the longest. */
  String translate(String text) {
    return translate(text, Map.of());
  }

  private String translate(String text, Map<Character, Character> originals) {
    StringBuilder translated = new StringBuilder(text.length() + 64);
    for (int i = 0; i < text.length(); ) {
      char c = text.charAt(i);
      Token token = at(text, i);
      if (token != null) {
        translated.append(token.name());
        i += token.content().length();
      } else {
        translated.append(originals.getOrDefault(c, c).charValue());
        i++;
      }
    }
    return translated.toString();
  }

  private Token at(String text, int index) {
    for (Token token : byFirst.getOrDefault(text.charAt(index), List.of())) {
      if (text.startsWith(token.content(), index)) {
        return token;
      }
    }
    return null;
  }

  /**
   * Hides what could be part of a control token in texts that a template will weave into its own,
   * and finds the control tokens that the template itself then wrote. A control token can neither
   * stand in such a text nor arise at its border nor around it: the characters that it would need
   * are replaced by private-use characters that occur in none of the texts. One character stands
   * for one, so that a template may strip, split and measure as ever.
   */
  final class Veil {
    private final Map<Character, Character> substitutes = new HashMap<>();
    private final Map<Character, Character> originals = new HashMap<>();

    /** The first and last characters of control tokens, which are hidden wherever they stand. */
    private final Set<Character> edges = new HashSet<>();

    private final boolean[] taken = new boolean[LAST_SUBSTITUTE + 1];
    private char next = FIRST_SUBSTITUTE;

    /** Takes all texts that will be hidden. */
    Veil(List<String> texts) {
      for (String content : byContent.keySet()) {
        for (char edge : new char[] {content.charAt(0), content.charAt(content.length() - 1)}) {
          // Letters would hide whole texts from the template, for the rare token that is a word.
          if (!Character.isLetterOrDigit(edge) && !TemplateText.isSpace(edge)) {
            edges.add(edge);
          }
        }
      }
      for (String text : texts) {
        for (int i = 0; i < text.length(); i++) {
          if (text.charAt(i) <= LAST_SUBSTITUTE) {
            taken[text.charAt(i)] = true;
          }
        }
      }
    }

    /** Hides one text; throws IllegalArgumentException where no private-use character is free. */
    String hide(String text) {
      String core = TemplateText.strip(text);
      // A template may write `<|` before such a text and `|>` after it.
      boolean inside =
          !core.isEmpty() && byContent.keySet().stream().anyMatch(token -> token.contains(core));
      StringBuilder veiled = new StringBuilder(text.length());
      for (int i = 0; i < text.length(); i++) {
        char c = text.charAt(i);
        boolean hidden = edges.contains(c) || at(text, i) != null;
        hidden |= inside && !TemplateText.isSpace(c);
        veiled.append(hidden ? substitute(c) : c);
      }
      return veiled.toString();
    }

    private char substitute(char original) {
      return substitutes.computeIfAbsent(
          original,
          c -> {
            while (next <= LAST_SUBSTITUTE && taken[next]) {
              next++;
            }
            if (next > LAST_SUBSTITUTE) {
              throw new IllegalArgumentException(
                  "the text uses up all private-use characters (U+E000 to U+F8FF)");
            }
            originals.put(next, c);
            return next++;
          });
    }

    /** What a template made of hidden texts, with the names of the control tokens it wrote. */
    String reveal(String rendered) {
      return translate(rendered, originals);
    }
  }
}
