package dev.lowpass.pipeline.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.lowpass.pipeline.model.ModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a model folder says about its tokenizer beside tokenizer.json: special tokens by role and
 * the chat template.
 *
 * @param specialTokens the template's variables such as {@code bos_token}, by name
 * @param chatTemplate null where the model has none
 * @param templateFile the file that holds the chat template, or would
 * @param addBos whether a text begins with the bos token; null leaves it to tokenizer.json
 */
record TokenizerConfig(
    Map<String, String> specialTokens, String chatTemplate, Path templateFile, Boolean addBos) {
  private static final String CONFIG = "tokenizer_config.json";
  private static final String TEMPLATE = "chat_template.jinja";

  static TokenizerConfig read(Path folder) {
    Path file = folder.resolve(CONFIG);
    JsonNode config = Files.exists(file) ? json(file) : MissingNode.getInstance();
    Path templateFile = folder.resolve(TEMPLATE);
    // As in transformers, the file of its own wins.
    boolean ownFile = Files.exists(templateFile);
    return new TokenizerConfig(
        specialTokens(config),
        ownFile ? text(templateFile) : template(config.path("chat_template"), file),
        ownFile ? templateFile : file,
        addBos(config));
  }

  private static JsonNode json(Path file) {
    try {
      return new ObjectMapper().readTree(text(file));
    } catch (JsonProcessingException e) {
      throw new ModelException(file + ": not JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new ModelException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }

  /** The {@code *_token} entries, each a string or an object with {@code content}. */
  private static Map<String, String> specialTokens(JsonNode config) {
    Map<String, String> tokens = new LinkedHashMap<>();
    config
        .fields()
        .forEachRemaining(
            entry -> {
              JsonNode token = entry.getValue();
              JsonNode content = token.isObject() ? token.path("content") : token;
              if (entry.getKey().endsWith("_token") && content.isTextual()) {
                tokens.put(entry.getKey(), content.asText());
              }
            });
    return tokens;
  }

  /** One template, or the one called "default" of several. */
  private static String template(JsonNode template, Path file) {
    if (template.isMissingNode() || template.isNull()) {
      return null;
    }
    if (template.isTextual()) {
      return template.asText();
    }
    for (JsonNode named : template) {
      if (named.path("name").asText().equals("default") && named.path("template").isTextual()) {
        return named.get("template").asText();
      }
    }
    throw new ModelException(
        file
            + ": 'chat_template' is neither a string nor a list with a template named \"default\"");
  }

  /** Llama's tokenizer class heeds {@code add_bos_token}, whatever tokenizer.json says. */
  private static Boolean addBos(JsonNode config) {
    boolean heeded = config.path("tokenizer_class").asText().contains("Llama");
    JsonNode addBos = config.path("add_bos_token");
    return heeded && addBos.isBoolean() ? addBos.asBoolean() : null;
  }
}
