package dev.lowpass.udfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.pipeline.model.ModelException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelFolderTest {
  @TempDir Path temporary;

  private final Configuration hadoop = new Configuration();
  private Path remote;
  private Path cache;

  @BeforeEach
  void writeModel() throws IOException {
    hadoop.set("fs.remote.impl", Remote.class.getName());
    hadoop.setBoolean("fs.remote.impl.disable.cache", true);
    Remote.opened.set(0);
    remote = Files.createDirectory(temporary.resolve("remote"));
    cache = temporary.resolve("cache");
    Files.writeString(remote.resolve("config.json"), "{}");
    Files.writeString(remote.resolve("model.safetensors"), "weights");
    Files.writeString(remote.resolve("pytorch_model.bin"), "a pickle");
  }

  @Test
  void aLocalFolderIsUsedWhereItLies() {
    assertThat(local(remote.toString())).isEqualTo(remote);
    assertThat(local(remote.toUri().toString())).isEqualTo(remote);
    assertThat(cache).doesNotExist();
  }

  @Test
  void aFolderThatIsNotThereIsNamed() {
    assertThatThrownBy(() -> local("/no/such"))
        .isInstanceOf(ModelException.class)
        .hasMessageMatching(
            "--model /no/such: no such folder on \\S+: give a Hugging Face folder.*");
    assertThatThrownBy(() -> local("remote:/no/such"))
        .isInstanceOf(ModelException.class)
        .hasMessageStartingWith("--model remote:/no/such: cannot be read: ");
    assertThatThrownBy(() -> local("nope:/x"))
        .hasMessage("--model nope:/x: cannot be read: No FileSystem for scheme \"nope\"");
  }

  @Test
  void aUriIsCopiedOnceWithoutPickles() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      Callable<Path> fetch = () -> local("remote:" + remote);
      Set<Path> folders = ConcurrentHashMap.newKeySet();
      for (Future<Path> folder : threads.invokeAll(List.of(fetch, fetch, fetch, fetch))) {
        folders.add(folder.get());
      }
      assertThat(folders).hasSize(1);
      assertThat(names(folders.iterator().next()))
          .containsExactly("config.json", "model.safetensors");
      assertThat(Remote.opened).hasValue(2);
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void aChangedModelIsAnotherFolder() throws IOException {
    Path before = local("remote:" + remote);
    Files.writeString(remote.resolve("model.safetensors"), "WEIGHTS");
    Files.setLastModifiedTime(remote.resolve("model.safetensors"), FileTime.fromMillis(1_000));
    Path after = local("remote:" + remote);
    assertThat(after).isNotEqualTo(before);
    assertThat(after.resolve("model.safetensors")).hasContent("WEIGHTS");
    assertThat(before.resolve("model.safetensors")).hasContent("weights");
  }

  @Test
  void aCopyThatBreaksOffLeavesNothingBehind() throws IOException {
    hadoop.setBoolean("remote.short", true);
    assertThatThrownBy(() -> local("remote:" + remote))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("bytes came, expected");
    assertThat(names(cache)).allMatch(name -> name.endsWith(".lock"));
  }

  private Path local(String location) {
    return ModelFolder.local(location, cache, hadoop);
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  /** The local disk under a scheme of its own. */
  public static final class Remote extends RawLocalFileSystem {
    static final AtomicInteger opened = new AtomicInteger();

    @Override
    public URI getUri() {
      return URI.create("remote:///");
    }

    @Override
    public FSDataInputStream open(org.apache.hadoop.fs.Path file, int bufferSize)
        throws IOException {
      opened.incrementAndGet();
      return super.open(file, bufferSize);
    }

    @Override
    public FileStatus[] listStatus(org.apache.hadoop.fs.Path folder) throws IOException {
      FileStatus[] files = super.listStatus(folder);
      if (getConf().getBoolean("remote.short", false)) {
        for (int i = 0; i < files.length; i++) {
          FileStatus file = files[i];
          files[i] =
              new FileStatus(
                  file.getLen() + 1, false, 1, 1, file.getModificationTime(), file.getPath());
        }
      }
      return files;
    }
  }
}
