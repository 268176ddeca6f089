package dev.lowpass.pipeline.text;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/** Finds test data that is not part of the project; tests that need it are skipped without it. */
public final class Shared {
  private Shared() {}

  public static Path require(String path) {
    Path file = find(path);
    assumeTrue(file != null, () -> path + " is not on this machine");
    return file;
  }

  /** The file or folder, or null where this machine does not have it. */
  public static Path find(String path) {
    String configured = System.getProperty("lowpass.shared");
    Path root =
        configured != null ? Path.of(configured) : Path.of("..", "..", "shared").toAbsolutePath();
    Path file = root.resolve(path).normalize();
    return Files.exists(file) ? file : null;
  }
}
