package dev.lowpass.udfs;

import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.model.WeightOptions;
import dev.lowpass.pipeline.model.WeightType;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileChecksum;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.spark.util.Utils;

/**
 * A model folder on this host. A local folder is used where it lies; one given by a Hadoop URI is
 * copied once per host into a cache whose folder names are digests of the listing (file names,
 * lengths, and checksums or modification times), so that a changed model is another folder.
 */
public final class ModelFolder {
  private static final List<String> SUFFIXES =
      List.of(".json", ".safetensors", ".jinja", ".txt", ".model");

  private ModelFolder() {}

  /** Where copies are kept unless told otherwise: {@code ~/.cache/lowpass/models}. */
  public static String defaultCache() {
    return Path.of(System.getProperty("user.home"), ".cache", "lowpass", "models").toString();
  }

  /** Where weights of another type than they are stored in are kept: below the models. */
  public static WeightOptions weights(WeightType type, String cache) {
    return new WeightOptions(type, Path.of(cache, "weights"));
  }

  /**
   * The local folder for {@code location}, after copying it if need be.
   *
   * @param location a local path, or a Hadoop URI such as {@code s3a://bucket/model}
   * @throws ModelException if there is no such folder or it cannot be copied
   */
  public static Path local(String location, Path cache, Configuration hadoop) {
    if (!location.matches("[A-Za-z][A-Za-z0-9+.-]+:.*")) {
      return existing(Path.of(location), location);
    }
    if (location.startsWith("file:")) {
      return existing(Path.of(URI.create(location).getPath()), location);
    }
    try {
      return copied(location, cache, hadoop);
    } catch (IOException | IllegalArgumentException | UnsupportedOperationException e) {
      throw new ModelException("--model " + location + ": cannot be read: " + firstLine(e), e);
    }
  }

  private static Path existing(Path folder, String location) {
    if (!Files.isDirectory(folder)) {
      throw new ModelException(
          "--model "
              + location
              + ": no such folder on "
              + host()
              + ": give a Hugging Face folder"
              + " that every host has, or a Hadoop URI");
    }
    return folder;
  }

  // Threads of one JVM may not hold overlapping file locks, hence the monitor around the lock.
  private static synchronized Path copied(String location, Path cache, Configuration hadoop)
      throws IOException {
    org.apache.hadoop.fs.Path remote = new org.apache.hadoop.fs.Path(location);
    FileSystem files = remote.getFileSystem(hadoop);
    List<FileStatus> listing = listing(files, remote);
    if (listing.isEmpty()) {
      throw new ModelException("--model " + location + ": no model files there");
    }
    String key = key(files, listing);
    Path target = cache.resolve(key);
    if (Files.isDirectory(target)) {
      return target;
    }
    Files.createDirectories(cache);
    try (FileChannel channel =
            FileChannel.open(
                cache.resolve(key + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = channel.lock()) {
      if (lock.isValid() && !Files.isDirectory(target)) {
        download(files, listing, cache, target);
      }
    }
    return target;
  }

  private static void download(FileSystem files, List<FileStatus> listing, Path cache, Path target)
      throws IOException {
    Path partial = cache.resolve(target.getFileName() + "." + UUID.randomUUID() + ".tmp");
    Files.createDirectory(partial);
    try {
      for (FileStatus file : listing) {
        Path copy = partial.resolve(file.getPath().getName());
        try (var in = files.open(file.getPath())) {
          long copied = Files.copy(in, copy);
          if (copied != file.getLen()) {
            throw new IOException(
                file.getPath() + ": " + copied + " bytes came, expected " + file.getLen());
          }
        }
      }
      Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      delete(partial);
    }
  }

  private static List<FileStatus> listing(FileSystem files, org.apache.hadoop.fs.Path folder)
      throws IOException {
    List<FileStatus> listing = new ArrayList<>();
    for (FileStatus file : files.listStatus(folder)) {
      if (file.isFile() && SUFFIXES.stream().anyMatch(file.getPath().getName()::endsWith)) {
        listing.add(file);
      }
    }
    listing.sort(Comparator.comparing(file -> file.getPath().getName()));
    return listing;
  }

  private static String key(FileSystem files, List<FileStatus> listing) throws IOException {
    StringBuilder text = new StringBuilder();
    for (FileStatus file : listing) {
      FileChecksum checksum = files.getFileChecksum(file.getPath());
      text.append(file.getPath().getName())
          .append('\t')
          .append(file.getLen())
          .append('\t')
          .append(checksum == null ? file.getModificationTime() : checksum.toString())
          .append('\n');
    }
    return Digests.sha256(text.toString());
  }

  private static void delete(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> paths = Files.walk(folder)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  static String host() {
    return Utils.localHostName();
  }

  private static String firstLine(Exception e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse(e.getClass().getSimpleName());
  }
}
