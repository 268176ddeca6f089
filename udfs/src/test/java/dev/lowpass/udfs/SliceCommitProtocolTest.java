package dev.lowpass.udfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.mapreduce.JobID;
import org.apache.hadoop.mapreduce.TaskAttemptID;
import org.apache.hadoop.mapreduce.TaskID;
import org.apache.hadoop.mapreduce.TaskType;
import org.apache.hadoop.mapreduce.task.JobContextImpl;
import org.apache.hadoop.mapreduce.task.TaskAttemptContextImpl;
import org.apache.spark.internal.io.FileNameSpec;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import scala.Option;

class SliceCommitProtocolTest {
  private static final JobID JOB = new JobID("job", 1);

  /** A file system that is neither local nor HDFS to whoever asks for its scheme. */
  public static final class Store extends RawLocalFileSystem {
    @Override
    public URI getUri() {
      return URI.create("store:///");
    }
  }

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"file", "store"})
  void aTasksRowsAppearWhenItCommits(String scheme) throws IOException {
    Job job = new Job(scheme, "a");
    Attempt first = job.attempt(0, 0);
    Attempt second = job.attempt(1, 1);
    first.write("one");
    second.write("two");
    assertThat(table()).isEmpty();
    second.commit();
    assertThat(table()).containsExactly("part-00001-a.parquet: two");
    // The other task fails, and with it the job.
    first.abort();
    job.protocol.abortJob(job.context);
    assertThat(table()).containsExactly("part-00001-a.parquet: two");
    assertThat(folder.resolve("_temporary")).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", "store"})
  void attemptsOfATaskAreOneFile(String scheme) throws IOException {
    Job job = new Job(scheme, "a");
    Attempt first = job.attempt(0, 0);
    Attempt twin = job.attempt(0, 5);
    first.write("rows");
    twin.write("rows again");
    first.commit();
    twin.commit();
    assertThat(table()).containsExactly("part-00000-a.parquet: rows again");
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", "store"})
  void aFileIsReplaced(String scheme) throws IOException {
    Files.writeString(folder.resolve("old, 1.parquet"), "old");
    Files.writeString(folder.resolve(".old, 1.parquet.crc"), "of the old one");
    Files.writeString(folder.resolve("old ${x}.parquet"), "old");
    Job job = new Job(scheme, "b");
    SliceCommitProtocol.replacing(List.of("old ${x}.parquet", "old, 1.parquet"))
        .forEach(job.hadoop::set);
    Attempt attempt = job.attempt(1, 0);
    attempt.write("new");
    attempt.commit();
    assertThat(table()).containsExactly("old ${x}.parquet: old", "old, 1.parquet: new");
    if (scheme.equals("file")) {
      assertThat(folder.resolve(".old, 1.parquet.crc")).doesNotExist();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"file", "store"})
  void whoeverIsTakenOverCommitsNothing(String scheme) throws IOException {
    Job job = new Job(scheme, "a");
    Attempt early = job.attempt(0, 0);
    early.write("written before");
    FileSystem files = job.path.getFileSystem(job.hadoop);
    SliceCommitProtocol.takeOver(files, job.path);
    Attempt late = job.attempt(1, 1);
    late.write("written after");
    for (Attempt attempt : List.of(early, late)) {
      assertThatThrownBy(attempt::commit)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("another run has taken over");
    }
    assertThat(table()).isEmpty();
    // Nor does it disturb the one that took over.
    Job other = new Job(scheme, "b");
    job.protocol.abortJob(job.context);
    Attempt attempt = other.attempt(0, 0);
    attempt.write("its successor's");
    attempt.commit();
    assertThat(table()).containsExactly("part-00000-b.parquet: its successor's");
  }

  private List<String> table() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> parts =
          files.filter(file -> file.toString().endsWith(".parquet")).sorted().toList();
      List<String> contents = new java.util.ArrayList<>();
      for (Path part : parts) {
        contents.add(part.getFileName() + ": " + Files.readString(part));
      }
      return contents;
    }
  }

  private final class Job {
    final Configuration hadoop = new Configuration();
    final org.apache.hadoop.fs.Path path;
    final JobContextImpl context;
    final String jobId;
    final SliceCommitProtocol protocol;

    Job(String scheme, String id) {
      hadoop.setClass("fs.store.impl", Store.class, FileSystem.class);
      path = new org.apache.hadoop.fs.Path(scheme + "://" + folder);
      context = new JobContextImpl(hadoop, JOB);
      jobId = id;
      protocol = new SliceCommitProtocol(id, path.toString());
      protocol.setupJob(context);
    }

    Attempt attempt(int task, int number) {
      TaskID id = new TaskID(JOB, TaskType.MAP, task);
      return new Attempt(
          new SliceCommitProtocol(jobId, path.toString()),
          new TaskAttemptContextImpl(hadoop, new TaskAttemptID(id, number)));
    }
  }

  private record Attempt(SliceCommitProtocol protocol, TaskAttemptContextImpl context) {
    void write(String rows) throws IOException {
      protocol.setupTask(context);
      String file =
          protocol.newTaskTempFile(context, Option.empty(), FileNameSpec.apply("", ".parquet"));
      org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path(file);
      try (var out = path.getFileSystem(context.getConfiguration()).create(path)) {
        out.write(rows.getBytes(java.nio.charset.StandardCharsets.UTF_8));
      }
    }

    void commit() {
      protocol.commitTask(context);
    }

    void abort() {
      protocol.abortTask(context);
    }
  }
}
