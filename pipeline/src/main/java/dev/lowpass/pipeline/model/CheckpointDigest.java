package dev.lowpass.pipeline.model;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HexFormat;
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

  /** Small enough that the JIT soon compiles the hash to the CPU's SHA instructions. */
  private static final int BUFFER_BYTES = 1 << 16;

  private CheckpointDigest() {}

  /** The digest of a folder's settings and of the given weight files in it. */
  static String compute(Path folder, Collection<String> weightFiles) {
    TreeSet<String> names = new TreeSet<>(weightFiles);
    SETTINGS.stream().filter(name -> Files.exists(folder.resolve(name))).forEach(names::add);
    String lines =
        names.parallelStream()
            .map(name -> sha256(folder.resolve(name)) + "  " + name + "\n")
            .collect(Collectors.joining());
    return "sha256:" + hex(sha256().digest(lines.getBytes(StandardCharsets.UTF_8)));
  }

  private static String sha256(Path file) {
    MessageDigest digest = sha256();
    byte[] buffer = new byte[BUFFER_BYTES];
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    } catch (IOException e) {
      throw new ModelException(file + ": cannot be read: " + e.getMessage(), e);
    }
    return hex(digest.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }
}
