package dev.lowpass.pipeline.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lowpass.pipeline.model.ModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/** A model folder's tokenizer.json: its vocabulary, and the same tokenizer without open control. */
final class TokenizerFile {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final ObjectNode root;
  private final ObjectNode model;
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
      this.root = object(JSON.readTree(file.toFile()), "the file");
    } catch (JsonProcessingException e) {
      throw fault("not JSON: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new ModelException(file + ": cannot be read: " + e.getMessage(), e);
    }
    this.model = object(root.path("model"), "'model'");
    if (!model.path("type").asText("BPE").equals("BPE")) {
      throw fault("model type '" + model.path("type").asText() + "' is not supported, only BPE");
    }
    object(model.path("vocab"), "'model.vocab'");
    readAddedTokens();
    Map<String, Integer> control = new LinkedHashMap<>(addedTokens);
    control.entrySet().removeIf(token -> !steers(token.getKey(), token.getValue()));
    this.controlTokens = new ControlTokens(control);
  }

  private void readAddedTokens() {
    for (JsonNode token : root.path("added_tokens")) {
      JsonNode content = token.path("content");
      if (!content.isTextual() || content.asText().isEmpty() || !token.path("id").isInt()) {
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
    if (content.equals(model.path("unk_token").asText(null)) && vocabulary().has(content)) {
      return false;
    }
    return specialTokens.contains(id)
        || !content
            .codePoints()
            .allMatch(c -> TemplateText.isSpace(c) || c == '▁' || Character.isLetterOrDigit(c));
  }

  private ObjectNode vocabulary() {
    return (ObjectNode) model.get("vocab");
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
    JsonNode id = vocabulary().path(token);
    return id.isInt() ? OptionalInt.of(id.asInt()) : OptionalInt.empty();
  }

  /** The text of every token by its id; null where an id has no token. */
  String[] tokens() {
    Map<Integer, String> byId = new HashMap<>();
    int size = 0;
    for (Iterator<Map.Entry<String, JsonNode>> entries = vocabulary().fields();
        entries.hasNext(); ) {
      Map.Entry<String, JsonNode> entry = entries.next();
      if (!entry.getValue().isInt() || entry.getValue().asInt() < 0) {
        throw fault("the id of token '" + entry.getKey() + "' is not a whole number");
      }
      byId.put(entry.getValue().asInt(), entry.getKey());
    }
    addedTokens.forEach((content, id) -> byId.put(id, content));
    for (int id : byId.keySet()) {
      size = Math.max(size, id + 1);
    }
    if (size > 16 * (byId.size() + 64)) {
      throw fault("the largest token id, " + (size - 1) + ", is far beyond the vocabulary");
    }
    String[] tokens = new String[size];
    byId.forEach((id, token) -> tokens[id] = token);
    return tokens;
  }

  /**
   * The tokenizer with its control tokens under their secret names, and with no truncation or
   * padding. Uses this object up: a second copy of a large vocabulary would cost too much.
   */
  NativeTokenizer toNative() {
    seal();
    try {
      return new NativeTokenizer(JSON.writeValueAsString(root));
    } catch (JsonProcessingException e) {
      throw fault(e.getOriginalMessage());
    } catch (RuntimeException e) {
      throw new ModelException(file + ": the tokenizer cannot be loaded: " + e.getMessage(), e);
    }
  }

  private void seal() {
    root.putNull("truncation");
    root.putNull("padding");
    ObjectNode vocabulary = vocabulary();
    for (Iterator<JsonNode> tokens = root.path("added_tokens").elements(); tokens.hasNext(); ) {
      ObjectNode token = (ObjectNode) tokens.next();
      String content = token.get("content").asText();
      if (controlTokens.contains(content)) {
        token.put("content", controlTokens.name(content));
        // A name is matched as it stands; a normalizer would change it.
        token.put("normalized", false);
        if (vocabulary.has(content)) {
          vocabulary.set(controlTokens.name(content), vocabulary.remove(content));
        }
      } else if (content.equals(model.path("unk_token").asText(null))) {
        tokens.remove();
      }
    }
    dropMerges();
  }

  /** Drops the merges, if any, by which text could still become a control token. */
  private void dropMerges() {
    if (!(model.get("merges") instanceof ArrayNode merges)) {
      throw fault("'model.merges' is missing");
    }
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
  }

  ModelException fault(String message) {
    return new ModelException(file + ": " + message);
  }

  private ObjectNode object(JsonNode node, String what) {
    if (node instanceof ObjectNode object) {
      return object;
    }
    throw fault(what + " is not a JSON object");
  }
}
