package dev.lowpass.pipeline.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * The token ids that a checkpoint states for generation, from {@code generation_config.json} and,
 * for what that does not state, {@code config.json}.
 *
 * @param eosTokens the ids that end a completion, ascending; empty if the checkpoint states none
 * @param bosToken the id that begins a text
 */
public record GenerationDefaults(Set<Integer> eosTokens, OptionalInt bosToken) {
  /** Reads them from a model folder. */
  static GenerationDefaults read(Path folder) {
    JsonObject config = JsonObject.read(folder.resolve("config.json"));
    Path generation = folder.resolve("generation_config.json");
    List<JsonObject> sources =
        Files.exists(generation) ? List.of(JsonObject.read(generation), config) : List.of(config);
    Set<Integer> eos = new TreeSet<>();
    for (JsonNode id : stated(sources, "eos_token_id")) {
      eos.add(id.intValue());
    }
    OptionalInt bos = OptionalInt.empty();
    for (JsonNode id : stated(sources, "bos_token_id")) {
      bos = bos.isPresent() ? bos : OptionalInt.of(id.intValue());
    }
    return new GenerationDefaults(Collections.unmodifiableSet(eos), bos);
  }

  /** The ids under a key of the first source that has it: a number or a list of numbers. */
  private static Iterable<JsonNode> stated(List<JsonObject> sources, String key) {
    for (JsonObject source : sources) {
      JsonNode value = source.get(key);
      if (value == null) {
        continue;
      }
      Iterable<JsonNode> ids = value.isArray() ? value : List.of(value);
      for (JsonNode id : ids) {
        if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0) {
          throw source.wrong(key, "a token id or a list of token ids");
        }
      }
      return ids;
    }
    return List.of();
  }
}
