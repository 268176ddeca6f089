package dev.lowpass.udfs;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.Rename;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.mapreduce.JobContext;
import org.apache.hadoop.mapreduce.TaskAttemptContext;
import org.apache.spark.internal.io.FileCommitProtocol;
import org.apache.spark.internal.io.FileNameSpec;
import scala.Option;
import scala.collection.immutable.Seq;

/**
 * Commits a write task by task: a task writes one file under {@code _temporary/<job>} and, when it
 * has all its rows, moves it into the table under a name that is the task's alone. Hence
 *
 * <ul>
 *   <li>a reader, or whoever goes on after a crash, finds all rows of a task or none;
 *   <li>attempts of one task (retries, speculation) put the same documents under the same name: the
 *       last one stays, and no agreement between them is needed;
 *   <li>a task that is given an existing file's name replaces that file at once;
 *   <li>{@link #takeOver} locks out whatever still runs of an earlier job. A move needs its source,
 *       which take-over deletes; a file begun after that finds its job's folder gone. So a listing
 *       made after take-over misses nothing that could still come.
 * </ul>
 *
 * <p>All this holds where renaming is atomic (POSIX, HDFS, ABFS). In an object store a move is a
 * copy: still whole or absent, but one that is on its way during take-over may end after it.
 */
public final class SliceCommitProtocol extends FileCommitProtocol implements Serializable {
  /** Key of the names that tasks' files get, in the tasks' order; without it they are new. */
  private static final String NAMES = "lowpass.output.names";

  /** Stands between them, for it cannot be in one. */
  private static final String SEPARATOR = "/";

  private static final String TEMPORARY = "_temporary";

  /** In a job's folder for as long as the job may write. */
  private static final String LICENCE = "_may_write";

  /** Where {@link FileContext} replaces a file in one step. */
  private static final Set<String> REPLACING_RENAME = Set.of("hdfs", "viewfs");

  private final String folder;
  private final String staging;
  private final String jobId;

  /** What the attempt of this task writes and where that will go; set in tasks only. */
  private transient Path staged;

  private transient Path target;

  /** Called by Spark, on the driver; tasks get copies. */
  public SliceCommitProtocol(String jobId, String folder) {
    this.jobId = jobId;
    this.folder = folder;
    this.staging = new Path(new Path(folder, TEMPORARY), jobId).toString();
  }

  /**
   * Ends the right of every earlier job to write to a table. To be called before the table is
   * listed.
   */
  public static void takeOver(FileSystem files, Path folder) throws IOException {
    Path temporary = new Path(folder, TEMPORARY);
    if (files.exists(temporary) && !files.delete(temporary, /* recursive= */ true)) {
      throw new IOException(temporary + " cannot be deleted");
    }
  }

  /** The options of a write whose tasks replace these files, one each, in the tasks' order. */
  public static Map<String, String> replacing(List<String> names) {
    return Map.of(NAMES, String.join(SEPARATOR, names));
  }

  @Override
  public void setupJob(JobContext job) {
    Path licence = new Path(staging, LICENCE);
    try {
      fileSystem(licence, job).create(licence).close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void setupTask(TaskAttemptContext task) {
    staged = null;
  }

  @Override
  public String newTaskTempFile(TaskAttemptContext task, Option<String> dir, FileNameSpec spec) {
    if (dir.isDefined() || staged != null) {
      throw new IllegalStateException("a task writes one file: partitioned tables are not for it");
    }
    int split = task.getTaskAttemptID().getTaskID().getId();
    String names = task.getConfiguration().getRaw(NAMES);
    String name =
        names == null
            ? "part-%05d-%s%s".formatted(split, jobId, spec.suffix())
            : List.of(names.split(SEPARATOR)).get(split);
    target = new Path(folder, name);
    staged = new Path(staging, task.getTaskAttemptID() + "-" + name);
    return staged.toString();
  }

  @Override
  public TaskCommitMessage commitTask(TaskAttemptContext task) {
    if (staged != null) {
      try {
        FileSystem files = fileSystem(staged, task);
        if (!files.exists(new Path(staging, LICENCE))) {
          throw new FileNotFoundException(staging);
        }
        move(files, staged, target, task.getConfiguration());
      } catch (FileNotFoundException | NoSuchFileException e) {
        throw new IllegalStateException(
            "another run has taken over " + folder + "; one at a time may write to it", e);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return new TaskCommitMessage(null);
  }

  private static void move(FileSystem files, Path from, Path to, Configuration hadoop)
      throws IOException {
    String scheme = files.getUri().getScheme();
    if (scheme.equals("file")) {
      // The old file's checksum, which Hadoop would hold against the new one; that has none.
      Files.deleteIfExists(local(new Path(to.getParent(), "." + to.getName() + ".crc")));
      Files.move(local(from), local(to), StandardCopyOption.ATOMIC_MOVE);
    } else if (!files.exists(to)) {
      if (!files.rename(from, to)) {
        throw new FileNotFoundException(from.toString());
      }
    } else if (REPLACING_RENAME.contains(scheme)) {
      FileContext.getFileContext(files.getUri(), hadoop).rename(from, to, Rename.OVERWRITE);
    } else {
      // An object appears, in place of the old one, when its writer closes it.
      try (FSDataInputStream in = files.open(from);
          FSDataOutputStream out = files.create(to, /* overwrite= */ true)) {
        in.transferTo(out);
      }
    }
  }

  private static java.nio.file.Path local(Path path) {
    return java.nio.file.Path.of(path.toUri().getPath());
  }

  @Override
  public void abortTask(TaskAttemptContext task) {
    if (staged != null) {
      delete(staged, task);
    }
  }

  @Override
  public void commitJob(JobContext job, Seq<TaskCommitMessage> messages) {
    deleteStaging(job);
  }

  /** What was committed stays. */
  @Override
  public void abortJob(JobContext job) {
    deleteStaging(job);
  }

  private void deleteStaging(JobContext job) {
    delete(new Path(staging), job);
    Path temporary = new Path(folder, TEMPORARY);
    try {
      FileSystem files = fileSystem(temporary, job);
      if (files.exists(temporary) && files.listStatus(temporary).length == 0) {
        files.delete(temporary, /* recursive= */ false);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path path, JobContext job) {
    try {
      fileSystem(path, job).delete(path, /* recursive= */ true);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static FileSystem fileSystem(Path path, JobContext job) throws IOException {
    return path.getFileSystem(job.getConfiguration());
  }
}
