package dev.lowpass.pipeline.model;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What identifies a checkpoint: the SHA-256 of one line {@code <sha256 of the file> <name>} (two
 * spaces between them) for each file that can change an output, in order of name. So a shell
 * recomputes it: {@code sha256sum FILES | sha256sum}, FILES in C order of name.
 */
final class CheckpointDigest {
  /** Those of them that exist count; the index of shards does not: the shards themselves do. */
  private static final List<String> SETTINGS =
      List.of(
          "chat_template.jinja",
          "config.json",
          "generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json");

  private CheckpointDigest() {}

  /**
   * The digest of a folder's settings and of the given weight files in it.
   *
   * @param cache where those of files that do not change are remembered; null for nowhere
   */
  static String compute(Path folder, Collection<String> weightFiles, Path cache) {
    TreeSet<String> names = new TreeSet<>(weightFiles);
    SETTINGS.stream().filter(name -> Files.exists(folder.resolve(name))).forEach(names::add);
    FileDigests files = new FileDigests(folder, cache);
    String lines =
        names.parallelStream()
            .map(name -> files.of(name) + "  " + name + "\n")
            .collect(Collectors.joining());
    files.keep();
    return "sha256:" + FileDigests.hash(lines);
  }
}
