package dev.lowpass.pipeline.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lowpass.kernels.DType;
import dev.lowpass.pipeline.model.TinyCheckpoints;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/** A tiny model with random weights, a window of 256, and the bundled model's tokenizer. */
final class TinyModel {
  static final int VOCABULARY = 5376;

  /** A token whose embedding is no number: what has it has no answer. */
  static final int POISON = 5000;

  private TinyModel() {}

  static Path write(Path folder) throws IOException {
    Map<String, Object> overrides = Map.of("vocab_size", VOCABULARY, "num_hidden_layers", 4);
    TinyCheckpoints.write(folder, "llama", overrides, DType.F32, 7);
    for (String file : new String[] {"tokenizer.json", "tokenizer_config.json"}) {
      Files.copy(Path.of("../sample-data/model").resolve(file), folder.resolve(file));
    }
    poison(folder.resolve("model.safetensors"));
    return folder;
  }

  private static void poison(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    ByteBuffer data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int header = 8 + (int) data.getLong(0);
    String json = new String(Arrays.copyOfRange(bytes, 8, header), StandardCharsets.UTF_8);
    JsonNode embedding = new ObjectMapper().readTree(json).get("model.embed_tokens.weight");
    int columns = embedding.get("shape").get(1).intValue();
    int row = header + embedding.get("data_offsets").get(0).intValue() + POISON * columns * 4;
    for (int i = 0; i < columns; i++) {
      data.putFloat(row + 4 * i, Float.NaN);
    }
    Files.write(file, bytes);
  }
}
