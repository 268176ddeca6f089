package dev.lowpass.udfs.settings;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** What lies beside the code where there is more than a lone jar. */
public final class Installation {
  /** Set by {@code jobs/bin/lowpass}: the repository's root. */
  private static final String HOME = "LOWPASS_HOME";

  private Installation() {}

  /** Its folder; null for a lone jar. */
  public static Path folder() {
    String home = System.getenv(HOME);
    return home == null ? null : Path.of(home);
  }

  /** The bundled model's folder, where it is there. */
  public static Optional<Path> bundledModel() {
    return Optional.ofNullable(folder())
        .map(home -> home.resolve("sample-data/model"))
        .filter(model -> Files.isRegularFile(model.resolve("config.json")));
  }
}
