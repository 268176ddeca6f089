package dev.lowpass.udfs.settings;

import dev.lowpass.pipeline.model.ModelConfig;
import dev.lowpass.udfs.InputException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code conf/policies.conf}: defaults of the policies' parameters by {@code model_type} and number
 * of layers. The file of the installation where there is one, else the copy in the jar.
 */
public final class PolicyDefaults {
  private static final String FILE = "conf/policies.conf";
  private static final String RESOURCE = "policies.conf";
  private static final String ANY = "*";
  private static final String MIDDLE_LAYER = "layers/2-1";

  private record Line(String modelType, String layers, PolicyParameter parameter, String value) {
    boolean fits(ModelConfig config) {
      return (modelType.equals(ANY) || modelType.equals(config.modelType()))
          && (layers.equals(ANY) || layers.equals(String.valueOf(config.layers())));
    }

    String origin() {
      String depth = layers.equals(ANY) ? "" : ", " + layers + " layers";
      return modelType.equals(ANY) && depth.isEmpty()
          ? FILE
          : FILE + ": " + (modelType.equals(ANY) ? "any model" : modelType) + depth;
    }
  }

  private final List<Line> lines;

  private PolicyDefaults(List<Line> lines) {
    this.lines = lines;
  }

  /**
   * Reads the file.
   *
   * @throws InputException if one of its lines cannot be read
   */
  public static PolicyDefaults load() throws IOException {
    Path home = Installation.folder();
    if (home != null && Files.isRegularFile(home.resolve(FILE))) {
      return parse(home.resolve(FILE).toString(), Files.readString(home.resolve(FILE)));
    }
    try (InputStream resource = PolicyDefaults.class.getResourceAsStream(RESOURCE)) {
      return parse(FILE, new String(resource.readAllBytes(), StandardCharsets.UTF_8));
    }
  }

  /**
   * Reads the text of such a file.
   *
   * @param name what to call it in errors
   */
  static PolicyDefaults parse(String name, String text) {
    List<Line> lines = new ArrayList<>();
    int number = 0;
    for (String line : text.lines().toList()) {
      number++;
      String words = line.replaceAll("#.*", "").strip();
      if (!words.isEmpty()) {
        lines.add(line(name + ":" + number, words.split("\\s+")));
      }
    }
    return new PolicyDefaults(lines);
  }

  private static Line line(String where, String[] words) {
    if (words.length != 4) {
      throw new InputException(
          where + ": %d words; write model_type, layers, option and value".formatted(words.length));
    }
    if (!words[1].equals(ANY) && !words[1].matches("[0-9]+")) {
      throw new InputException(where + ": layers is " + words[1] + "; write a number or *");
    }
    PolicyParameter parameter =
        PolicyParameter.of(words[2])
            .orElseThrow(
                () -> new InputException(where + ": " + words[2] + " is no policy's parameter"));
    return new Line(words[0], words[1], parameter, words[3]);
  }

  /** What holds for a model. */
  Map<PolicyParameter, Setting> of(ModelConfig config) {
    Map<PolicyParameter, Setting> settings = new LinkedHashMap<>();
    for (Line line : lines) {
      if (line.fits(config)) {
        String value =
            line.value().equals(MIDDLE_LAYER)
                ? String.valueOf(config.layers() / 2 - 1)
                : line.value();
        settings.put(line.parameter(), new Setting(value, line.origin()));
      }
    }
    return settings;
  }
}
