package dev.lowpass.pipeline.model;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/** Real models that lie in a folder {@code shared} beside the repository; tests skip without it. */
public final class SharedModels {
  private SharedModels() {}

  /** A trained Llama of 260 thousand parameters. */
  public static Path stories260k() {
    String set = System.getProperty("lowpass.shared");
    Path shared = set == null ? Path.of("../../shared") : Path.of(set);
    Path model = shared.resolve("models/stories260K").toAbsolutePath().normalize();
    assumeTrue(Files.isDirectory(model), "no " + model);
    return model;
  }
}
