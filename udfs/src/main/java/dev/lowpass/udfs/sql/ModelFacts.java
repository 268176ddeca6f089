package dev.lowpass.udfs.sql;

import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.ModelConfig;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.text.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.stream.Stream;

/** What the driver has to know of a model: found out once, and again when the files change. */
final class ModelFacts {
  private static final ConcurrentMap<Path, ModelFacts> KNOWN = new ConcurrentHashMap<>();

  private final Path folder;
  private final String version;
  private final ModelConfig config;
  private final boolean chatTemplate;

  /** Null until it is asked for: it takes a reading of all the weights. */
  private String digest;

  private ModelFacts(Path folder, String version) {
    this.folder = folder;
    this.version = version;
    try (Checkpoint checkpoint = Checkpoint.open(folder);
        TextTokenizer tokenizer = TextTokenizer.load(folder)) {
      checkpoint.verify();
      this.config = checkpoint.config();
      this.chatTemplate = tokenizer.hasChatTemplate();
    }
  }

  /**
   * Looks at a model.
   *
   * @throws ModelException if it cannot be used
   */
  static ModelFacts of(Path folder) {
    String version = version(folder);
    return KNOWN.compute(
        folder.toAbsolutePath(),
        (key, known) ->
            known != null && known.version.equals(version)
                ? known
                : new ModelFacts(folder, version));
  }

  /** Names, sizes and times of its files. */
  private static String version(Path folder) {
    List<String> files = new ArrayList<>();
    try (Stream<Path> listing = Files.list(folder)) {
      for (Path file : listing.sorted().toList()) {
        BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
        files.add(
            "%s %d %s"
                .formatted(file.getFileName(), attributes.size(), attributes.lastModifiedTime()));
      }
    } catch (IOException e) {
      throw new ModelException("--model " + folder + ": cannot be read: " + e.getMessage(), e);
    }
    return String.join("\n", files);
  }

  /** Changes with the model's files. */
  String version() {
    return version;
  }

  ModelConfig config() {
    return config;
  }

  boolean chatTemplate() {
    return chatTemplate;
  }

  /**
   * SHA-256 of the model; the first call takes a while for large ones.
   *
   * @param cache where what files hash to is remembered
   */
  synchronized String digest(Path cache) {
    if (digest == null) {
      try (Checkpoint checkpoint = Checkpoint.open(folder, cache)) {
        digest = checkpoint.digest();
      }
    }
    return digest;
  }
}
