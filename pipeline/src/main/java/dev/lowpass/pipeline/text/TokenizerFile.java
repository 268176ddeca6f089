package dev.lowpass.pipeline.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lowpass.pipeline.model.ModelException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A model folder's tokenizer.json: its vocabulary, and the same tokenizer without open control.
 *
 * <p>A large model's vocabulary and merges are several hundred thousand strings, which are never
 * made a tree: the vocabulary is a map, the merges stay text, and the sealed tokenizer is the
 * file's own text with a few values replaced.
 */
final class TokenizerFile {
  /** Shares no names: to look for each of a vocabulary's would take most of the time. */
  private static final ObjectMapper JSON =
      new ObjectMapper(
          JsonFactory.builder()
              .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
              .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
              .build());

  private static final String MODEL = "model.";
  private static final String VOCABULARY = MODEL + "vocab";
  private static final String MERGES = MODEL + "merges";

  /** What a map has room for without growing: most vocabularies. */
  private static final int MANY_TOKENS = 1 << 18;

  /** Characters of the file: from the first to behind the last. */
  private record Part(int from, int to) {}

  private record Replacement(Part part, String text) {}

  /**
   * A token of the model's vocabulary.
   *
   * @param at where its name stands in the file: the opening quotation mark
   */
  private record Entry(int id, int at) {}

  @FunctionalInterface
  private interface MemberReader {
    void read(String name) throws IOException;
  }

  private final Path file;

  /** The file. */
  private final CharBuffer text;

  /** Where its members stand, and the model's: the values, by name behind {@link #MODEL}. */
  private final Map<String, Part> parts = new HashMap<>();

  /** Its members but for the model. */
  private final ObjectNode root = JSON.createObjectNode();

  /** The model's but for vocabulary and merges. */
  private final ObjectNode model = JSON.createObjectNode();

  private final Map<String, Entry> vocabulary = new HashMap<>(MANY_TOKENS);

  private final ControlTokens controlTokens;

  private final Map<String, Integer> addedTokens = new LinkedHashMap<>();

  private final Set<Integer> specialTokens = new HashSet<>();

  TokenizerFile(Path folder) {
    this.file = folder.resolve("tokenizer.json");
    if (!Files.isRegularFile(file)) {
      throw new ModelException(
          folder + ": there is no tokenizer.json; convert the model's tokenizer to that form");
    }
    try {
      this.text =
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(Files.readAllBytes(file)));
      try (JsonParser in = JSON.createParser(text.array(), 0, text.length())) {
        in.nextToken();
        readRoot(in);
      }
    } catch (JsonProcessingException e) {
      throw fault("not JSON: " + e.getOriginalMessage());
    } catch (CharacterCodingException e) {
      throw fault("not UTF-8");
    } catch (IOException e) {
      throw new ModelException(file + ": cannot be read: " + e.getMessage(), e);
    }
    if (!model.path("type").asText("BPE").equals("BPE")) {
      throw fault("model type '" + model.path("type").asText() + "' is not supported, only BPE");
    }
    readAddedTokens();
    Map<String, Integer> control = new LinkedHashMap<>(addedTokens);
    control.entrySet().removeIf(token -> !steers(token.getKey(), token.getValue()));
    this.controlTokens = new ControlTokens(control);
  }

  private void readRoot(JsonParser in) throws IOException {
    readMembers(
        in,
        "the file",
        "",
        name -> {
          if (name.equals("model")) {
            readModel(in);
          } else {
            root.set(name, JSON.readTree(in));
          }
        });
    for (String needed : List.of("model", VOCABULARY, MERGES)) {
      if (!parts.containsKey(needed)) {
        throw fault("'" + needed + "' is missing");
      }
    }
  }

  private void readModel(JsonParser in) throws IOException {
    readMembers(
        in,
        "'model'",
        MODEL,
        name -> {
          switch (MODEL + name) {
            case VOCABULARY -> readVocabulary(in);
            case MERGES -> {
              if (!in.isExpectedStartArrayToken()) {
                throw fault("'model.merges' is not a JSON array");
              }
              in.skipChildren();
            }
            default -> model.set(name, JSON.readTree(in));
          }
        });
  }

  /** Reads an object's members and notes where they stand. */
  private void readMembers(JsonParser in, String what, String prefix, MemberReader reader)
      throws IOException {
    checkObject(in, what);
    while (in.nextToken() == JsonToken.FIELD_NAME) {
      String name = in.currentName();
      in.nextToken();
      int from = tokenStart(in);
      reader.read(name);
      int to = (int) in.currentLocation().getCharOffset();
      if (parts.put(prefix + name, new Part(from, to)) != null) {
        throw fault("'" + prefix + name + "' is there twice");
      }
    }
  }

  private void readVocabulary(JsonParser in) throws IOException {
    // Of a Unigram model it is a list.
    checkObject(in, "'model.vocab'");
    while (in.nextToken() == JsonToken.FIELD_NAME) {
      String token = in.currentName();
      int at = tokenStart(in);
      if (in.nextToken() != JsonToken.VALUE_NUMBER_INT
          || in.getNumberType() != JsonParser.NumberType.INT
          || in.getIntValue() < 0) {
        throw fault("the id of token '" + token + "' is not a whole number");
      }
      if (vocabulary.put(token, new Entry(in.getIntValue(), at)) != null) {
        throw fault("token '" + token + "' is in 'model.vocab' twice");
      }
    }
  }

  private static int tokenStart(JsonParser in) {
    return (int) in.currentTokenLocation().getCharOffset();
  }

  private void checkObject(JsonParser in, String what) {
    if (!in.isExpectedStartObjectToken()) {
      throw fault(what + " is not a JSON object");
    }
  }

  private void readAddedTokens() {
    JsonNode tokens = root.path("added_tokens");
    if (!tokens.isMissingNode() && !tokens.isArray()) {
      throw fault("'added_tokens' is not a JSON array");
    }
    for (JsonNode token : tokens) {
      JsonNode content = token.path("content");
      if (!content.isTextual()
          || content.asText().isEmpty()
          || !token.path("id").isInt()
          || token.get("id").asInt() < 0) {
        throw fault("'added_tokens' has an entry without 'content' or 'id'");
      }
      addedTokens.put(content.asText(), token.get("id").asInt());
      if (token.path("special").asBoolean()) {
        specialTokens.add(token.get("id").asInt());
      }
    }
  }

  /**
   * Whether an added token steers the model. Runs of white space and plain words are text that was
   * added for brevity; the unknown token only stands in for text.
   */
  private boolean steers(String content, int id) {
    if (content.equals(model.path("unk_token").asText(null)) && vocabulary.containsKey(content)) {
      return false;
    }
    return specialTokens.contains(id)
        || !content
            .codePoints()
            .allMatch(c -> TemplateText.isSpace(c) || c == '▁' || Character.isLetterOrDigit(c));
  }

  ControlTokens controlTokens() {
    return controlTokens;
  }

  /** Ids that decoding skips. */
  Set<Integer> specialTokens() {
    return specialTokens;
  }

  JsonNode decoder() {
    return root.path("decoder");
  }

  /** Texts and ids of the tokens that stand beside the model's vocabulary, or overlay it. */
  Map<String, Integer> addedTokens() {
    return addedTokens;
  }

  /** The id of any token; empty for null. */
  OptionalInt id(String token) {
    if (token == null) {
      return OptionalInt.empty();
    }
    if (addedTokens.containsKey(token)) {
      return OptionalInt.of(addedTokens.get(token));
    }
    Entry entry = vocabulary.get(token);
    return entry == null ? OptionalInt.empty() : OptionalInt.of(entry.id());
  }

  /** The text of every token by its id; null where an id has no token. */
  String[] tokens() {
    int last = -1;
    for (Entry entry : vocabulary.values()) {
      last = Math.max(last, entry.id());
    }
    for (int id : addedTokens.values()) {
      last = Math.max(last, id);
    }
    if (last >= 16L * (vocabulary.size() + addedTokens.size() + 64)) {
      throw fault("the largest token id, " + last + ", is far beyond the vocabulary");
    }
    String[] tokens = new String[last + 1];
    vocabulary.forEach((token, entry) -> tokens[entry.id()] = token);
    addedTokens.forEach((token, id) -> tokens[id] = token);
    return tokens;
  }

  /**
   * The tokenizer with its control tokens under their secret names, and with no truncation or
   * padding.
   */
  NativeTokenizer toNative() {
    try {
      return new NativeTokenizer(sealed());
    } catch (JsonProcessingException e) {
      throw fault(e.getOriginalMessage());
    } catch (RuntimeException e) {
      throw new ModelException(file + ": the tokenizer cannot be loaded: " + e.getMessage(), e);
    }
  }

  private String sealed() throws JsonProcessingException {
    List<Replacement> replacements = new ArrayList<>();
    for (String cutting : List.of("truncation", "padding")) {
      if (root.path(cutting).isObject()) {
        replacements.add(new Replacement(parts.get(cutting), "null"));
      }
    }
    if (root.has("added_tokens")) {
      replacements.add(
          new Replacement(parts.get("added_tokens"), JSON.writeValueAsString(sealedTokens())));
    }
    List<String> spelt =
        addedTokens.keySet().stream()
            .filter(token -> controlTokens.contains(token) && vocabulary.containsKey(token))
            .toList();
    for (String token : spelt) {
      replacements.add(
          new Replacement(
              string(vocabulary.get(token).at()),
              JSON.writeValueAsString(controlTokens.name(token))));
    }
    if (!spelt.isEmpty()) {
      replacements.add(
          new Replacement(parts.get(MERGES), JSON.writeValueAsString(harmlessMerges())));
    }
    return replaced(replacements);
  }

  private String replaced(List<Replacement> replacements) {
    replacements.sort(Comparator.comparingInt(replacement -> replacement.part().from()));
    StringBuilder result = new StringBuilder(text.length());
    int from = 0;
    for (Replacement replacement : replacements) {
      result.append(text, from, replacement.part().from()).append(replacement.text());
      from = replacement.part().to();
    }
    return result.append(text, from, text.length()).toString();
  }

  /** The JSON string at a place of the file. */
  private Part string(int from) {
    int to = from + 1;
    while (text.get(to) != '"') {
      to += text.get(to) == '\\' ? 2 : 1;
    }
    return new Part(from, to + 1);
  }

  /** The added tokens, those that steer under their secret names. */
  private JsonNode sealedTokens() {
    ArrayNode tokens = root.get("added_tokens").deepCopy();
    for (Iterator<JsonNode> all = tokens.elements(); all.hasNext(); ) {
      ObjectNode token = (ObjectNode) all.next();
      String content = token.get("content").asText();
      if (controlTokens.contains(content)) {
        token.put("content", controlTokens.name(content));
        // A name is matched as it stands; a normalizer would change it.
        token.put("normalized", false);
      } else if (content.equals(model.path("unk_token").asText(null))) {
        all.remove();
      }
    }
    return tokens;
  }

  /**
   * The merges but for those, if any, by which text could still become a control token. Only a
   * token of the vocabulary comes from merges.
   */
  private JsonNode harmlessMerges() throws JsonProcessingException {
    Part part = parts.get(MERGES);
    JsonNode merges = JSON.readTree(text.subSequence(part.from(), part.to()).toString());
    for (Iterator<JsonNode> all = merges.elements(); all.hasNext(); ) {
      JsonNode merge = all.next();
      String merged =
          merge.isArray()
              ? merge.path(0).asText() + merge.path(1).asText()
              : merge.asText().replaceFirst(" ", "");
      if (controlTokens.contains(merged)) {
        all.remove();
      }
    }
    return merges;
  }

  ModelException fault(String message) {
    return new ModelException(file + ": " + message);
  }
}
