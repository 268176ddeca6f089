package dev.lowpass.udfs;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/**
 * Lists files, each of which is a document. A document is called by its path relative to the folder
 * it was found under, so that a file's name does not change when others join it.
 */
public final class TextFiles {
  /** A file that is a document. */
  record TextFile(String docId, String path, long length) {}

  private final Configuration hadoop;
  private final Map<String, TextFile> byId = new TreeMap<>();
  private final Map<String, String> idByPath = new HashMap<>();

  private TextFiles(Configuration hadoop) {
    this.hadoop = hadoop;
  }

  /**
   * All files of {@code inputs}: files, folders (taken with their subfolders) and globs, in which
   * {@code **} stands for any folders. Names that begin with a dot or an underscore are left out,
   * as Spark does.
   *
   * @throws InputException if an input does not exist or two documents would have the same name
   */
  static List<TextFile> list(List<String> inputs, Configuration hadoop) throws IOException {
    TextFiles files = new TextFiles(hadoop);
    for (String input : inputs) {
      files.add(input);
    }
    return List.copyOf(files.byId.values());
  }

  /**
   * The existing paths that {@code input} means: itself, or what it matches as a glob.
   *
   * @throws InputException if there are none
   */
  public static List<String> existing(String input, Configuration hadoop) throws IOException {
    Path path = path(input, hadoop);
    FileSystem fileSystem = path.getFileSystem(hadoop);
    return matches(fileSystem, path, input).stream()
        .map(file -> file.getPath().toString())
        .toList();
  }

  private void add(String input) throws IOException {
    Path path = path(input, hadoop);
    FileSystem fileSystem = path.getFileSystem(hadoop);
    for (FileStatus match : matches(fileSystem, path, input)) {
      if (match.isFile()) {
        add(match, fileSystem.exists(path) ? path.getParent() : base(path));
        continue;
      }
      Path base = fileSystem.exists(path) ? path : base(path);
      for (FileStatus file : files(fileSystem, match.getPath())) {
        if (!hidden(relative(file.getPath(), match.getPath()))) {
          add(file, base);
        }
      }
    }
  }

  /** The files of a folder and of its subfolders. */
  private static List<FileStatus> files(FileSystem fileSystem, Path folder) throws IOException {
    List<FileStatus> found = new ArrayList<>();
    if (fileSystem.getUri().getScheme().equals("file")) {
      // Hadoop's own recursion wants to know each file's owner, and starts a process to find out.
      for (FileStatus entry : fileSystem.listStatus(folder)) {
        if (entry.isDirectory()) {
          found.addAll(files(fileSystem, entry.getPath()));
        } else {
          found.add(entry);
        }
      }
      return found;
    }
    RemoteIterator<? extends FileStatus> files = fileSystem.listFiles(folder, true);
    while (files.hasNext()) {
      found.add(files.next());
    }
    return found;
  }

  private void add(FileStatus file, Path base) {
    String path = file.getPath().toString();
    String docId = relative(file.getPath(), base);
    if (idByPath.putIfAbsent(path, docId) != null) {
      return;
    }
    TextFile other = byId.putIfAbsent(docId, new TextFile(docId, path, file.getLen()));
    if (other != null) {
      throw new InputException(
          "--input: two documents are called "
              + docId
              + ": "
              + other.path()
              + " and "
              + path
              + "; give a folder above both as --input, or rename one");
    }
  }

  private static List<FileStatus> matches(FileSystem fileSystem, Path path, String input)
      throws IOException {
    if (fileSystem.exists(path)) {
      return List.of(fileSystem.getFileStatus(path));
    }
    List<FileStatus> visible = new ArrayList<>();
    if (input.contains("**")) {
      visible.addAll(below(fileSystem, path));
    } else {
      FileStatus[] matches = fileSystem.globStatus(path);
      for (FileStatus match : matches == null ? new FileStatus[0] : matches) {
        if (!hidden(match.getPath().getName())) {
          visible.add(match);
        }
      }
    }
    if (visible.isEmpty()) {
      throw new InputException("--input " + input + ": no such file or folder");
    }
    return visible;
  }

  /** The files that a glob matches with {@code **}, which Hadoop's own globs do not know. */
  private static List<FileStatus> below(FileSystem fileSystem, Path glob) throws IOException {
    Path base = base(glob);
    List<FileStatus> found = new ArrayList<>();
    if (!fileSystem.exists(base)) {
      return found;
    }
    PathMatcher matcher =
        FileSystems.getDefault()
            .getPathMatcher("glob:" + relative(glob, base).replace("**/", "{**/,}"));
    for (FileStatus file : files(fileSystem, base)) {
      String name = relative(file.getPath(), base);
      if (!hidden(name) && matcher.matches(java.nio.file.Path.of(name))) {
        found.add(file);
      }
    }
    return found;
  }

  /** Relative paths are the user's, even if their names hold what Hadoop takes for a scheme. */
  private static Path path(String input, Configuration hadoop) {
    boolean local = FileSystem.getDefaultUri(hadoop).getScheme().equals("file");
    if (local && !input.matches("[A-Za-z][A-Za-z0-9+.-]+:/.*")) {
      return new Path(java.nio.file.Path.of(input).toAbsolutePath().normalize().toString());
    }
    return new Path(input);
  }

  /** The folder above the first part of a glob that has wildcards. */
  private static Path base(Path glob) {
    Path base = glob;
    for (Path part = glob; part.getParent() != null; part = part.getParent()) {
      if (part.getName().matches(".*[*?\\[{].*")) {
        base = part.getParent();
      }
    }
    return base;
  }

  private static String relative(Path path, Path base) {
    String prefix = base.toUri().getPath();
    String full = path.toUri().getPath();
    return full.substring(prefix.endsWith("/") ? prefix.length() : prefix.length() + 1);
  }

  private static boolean hidden(String relative) {
    for (String part : relative.split("/", -1)) {
      if (part.startsWith(".") || part.startsWith("_")) {
        return true;
      }
    }
    return false;
  }
}
