package dev.lowpass.udfs;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Small real models for tests. */
public final class TestModel {
  private TestModel() {}

  /**
   * A chat model: the bundled one, or where that is not there a copy of {@code stories260K} with a
   * chat template, made in {@code temporary}.
   */
  public static Path chat(Path temporary) throws IOException {
    Path bundled = above("sample-data/model");
    if (Files.exists(bundled.resolve("config.json"))) {
      return bundled;
    }
    Path copy = Files.createDirectories(temporary.resolve("chat-model"));
    try (Stream<Path> files = Files.list(stories())) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    Path config = copy.resolve("tokenizer_config.json");
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode json = (ObjectNode) mapper.readTree(config.toFile());
    json.put(
        "chat_template", "{{ bos_token }}{% for m in messages %}{{ m['content'] }}{% endfor %}");
    Files.delete(config);
    mapper.writeValue(config.toFile(), json);
    return copy;
  }

  /** stories260K, which has no chat template; the test is skipped where it is not there. */
  public static Path stories() {
    String shared = System.getProperty("lowpass.shared");
    Path folder =
        (shared == null ? above("../shared") : Path.of(shared)).resolve("models/stories260K");
    assumeTrue(Files.exists(folder.resolve("config.json")), folder + " is not there");
    return folder;
  }

  /** A path relative to the repository's root. */
  public static Path above(String relative) {
    return Path.of("").toAbsolutePath().getParent().resolve(relative).normalize();
  }
}
