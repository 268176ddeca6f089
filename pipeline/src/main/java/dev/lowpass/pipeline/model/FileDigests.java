package dev.lowpass.pipeline.model;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * SHA-256 of a folder's files. Those of large files are remembered from process to process, for as
 * long as the file stays as it is: the same inode of the same device, with the same size, time of
 * modification and time of change. The last is the system's own, which no program can set back: it
 * is new after every write and when another file takes the name. This is what git's index relies
 * on. Whatever could be unnoticed is hashed each time: a file that changed within the last seconds,
 * which could change again in the same tick of the clock, or while it was read, and all files where
 * the system does not tell (Windows).
 */
final class FileDigests {
  private static final Logger LOG = LoggerFactory.getLogger(FileDigests.class);

  /** Files of fewer bytes are hashed each time: tenths of a second, if the JVM just started. */
  private static final long LARGE = 4 << 20;

  /** Longer than any file system's tick, and than clocks of hosts are apart. */
  private static final Duration SETTLED = Duration.ofSeconds(10);

  private static final String STAMP = "unix:dev,ino,size,lastModifiedTime,ctime";

  /** Small enough that the JIT soon compiles the hash to the CPU's SHA instructions. */
  private static final int BUFFER_BYTES = 1 << 16;

  /** What a file hashed to when it looked like {@code stamp}. */
  private record Known(String sha256, String stamp) {}

  private final Path folder;

  /** Where they are remembered, a line {@code <sha256> <stamp> <name>} each; null for nowhere. */
  private final Path memory;

  private final long large;
  private final Clock clock;
  private final Map<String, Known> before;
  private final Map<String, Known> now = new ConcurrentHashMap<>();

  /**
   * @param cache where digests of all folders are remembered; null to hash each time
   */
  FileDigests(Path folder, Path cache) {
    this(folder, cache, LARGE, Clock.systemUTC());
  }

  FileDigests(Path folder, Path cache, long large, Clock clock) {
    this.folder = folder;
    this.memory = cache == null ? null : cache.resolve(name(folder) + ".digests");
    this.large = large;
    this.clock = clock;
    this.before = memory == null ? Map.of() : read(memory);
  }

  private static String name(Path folder) {
    return hash(folder.toAbsolutePath().normalize().toString());
  }

  /** SHA-256 of a text in UTF-8, in hexadecimal. */
  static String hash(String text) {
    return hex(sha256().digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * SHA-256 of a file of the folder, in hexadecimal. Thread-safe.
   *
   * @throws ModelException if it cannot be read
   */
  String of(String name) {
    Path file = folder.resolve(name);
    Instant asked = clock.instant();
    Optional<String> stamp = stamp(file, asked);
    Known known = before.get(name);
    if (stamp.isEmpty() || known == null || !known.stamp().equals(stamp.get())) {
      known = new Known(hash(file), stamp.orElse(""));
    }
    if (stamp.isPresent() && stamp.equals(stamp(file, asked))) {
      now.put(name, known);
    }
    return known.sha256();
  }

  /** What tells that a large file did not change; empty where nothing would. */
  private Optional<String> stamp(Path file, Instant asked) {
    if (memory == null) {
      return Optional.empty();
    }
    try {
      Map<String, Object> attributes = Files.readAttributes(file, STAMP);
      Instant changed = ((FileTime) attributes.get("ctime")).toInstant();
      if ((long) attributes.get("size") < large || changed.plus(SETTLED).isAfter(asked)) {
        return Optional.empty();
      }
      return Optional.of(
          "%s:%s:%s:%s:%s"
              .formatted(
                  attributes.get("dev"),
                  attributes.get("ino"),
                  attributes.get("size"),
                  attributes.get("lastModifiedTime"),
                  changed));
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** Remembers what {@link #of} found. Where that cannot be written, the next process hashes. */
  void keep() {
    if (memory == null || now.isEmpty() || now.equals(before)) {
      return;
    }
    String lines =
        now.entrySet().stream()
            .sorted(Map.Entry.comparingByKey())
            .map(e -> e.getValue().sha256() + " " + e.getValue().stamp() + " " + e.getKey() + "\n")
            .collect(Collectors.joining());
    try {
      Files.createDirectories(memory.getParent());
      Path partial = Files.createTempFile(memory.getParent(), "digests", ".tmp");
      try {
        Files.writeString(partial, lines);
        Files.move(partial, memory, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(partial);
      }
    } catch (IOException e) {
      LOG.debug("{}: cannot be written, so weights will be hashed again: {}", memory, e.toString());
    }
  }

  private static Map<String, Known> read(Path memory) {
    Map<String, Known> known = new HashMap<>();
    try {
      List<String> lines = Files.exists(memory) ? Files.readAllLines(memory) : List.of();
      for (String line : lines) {
        String[] words = line.split(" ", 3);
        if (words.length == 3 && words[0].length() == 64) {
          known.put(words[2], new Known(words[0], words[1]));
        }
      }
    } catch (IOException e) {
      LOG.debug("{}: cannot be read, so weights are hashed: {}", memory, e.toString());
    }
    return known;
  }

  private static String hash(Path file) {
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
