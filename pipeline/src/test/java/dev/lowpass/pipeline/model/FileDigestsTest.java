package dev.lowpass.pipeline.model;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileDigestsTest {
  private static final Clock NOW = Clock.systemUTC();
  private static final Clock LATER = Clock.offset(NOW, Duration.ofHours(1));

  /** As {@code printf abc | sha256sum} and {@code printf abd | sha256sum} print them. */
  private static final String ABC =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  private static final String ABD =
      "a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9";

  /** What no file hashes to: it can only have been remembered. */
  private static final String FORGED = "f".repeat(64);

  @TempDir private Path folder;
  @TempDir private Path cache;
  private Path file;

  @BeforeEach
  void write() throws IOException {
    file = Files.writeString(folder.resolve("model.safetensors"), "abc");
    assumeTrue(file.getFileSystem().supportedFileAttributeViews().contains("unix"));
  }

  private String digest(Clock clock) {
    return digest(cache, 1, clock);
  }

  private String digest(Path memory, long large, Clock clock) {
    FileDigests digests = new FileDigests(folder, memory, large, clock);
    String digest = digests.of("model.safetensors");
    digests.keep();
    return digest;
  }

  private void forge() throws IOException {
    try (Stream<Path> files = Files.list(cache)) {
      Path memory = files.findFirst().orElseThrow();
      Files.writeString(memory, Files.readString(memory).replace(ABC, FORGED));
    }
  }

  @Test
  void anUnchangedFileIsNotHashedAgain() throws IOException {
    assertThat(digest(LATER)).isEqualTo(ABC);
    forge();
    assertThat(digest(LATER)).isEqualTo(FORGED);
  }

  @Test
  void aFileThatIsWrittenIsHashedThoughSizeAndTimeStay() throws IOException {
    FileTime time = Files.getLastModifiedTime(file);
    digest(LATER);
    forge();
    Files.write(file, "abd".getBytes(UTF_8));
    Files.setLastModifiedTime(file, time);
    assertThat(digest(LATER)).isEqualTo(ABD);
    assertThat(digest(LATER)).isEqualTo(ABD);
  }

  @Test
  void anotherFileOfTheNameIsHashedThoughSizeAndTimeAreTheSame() throws IOException {
    digest(LATER);
    forge();
    Path other = Files.writeString(folder.resolve("other"), "abd");
    Files.setLastModifiedTime(other, Files.getLastModifiedTime(file));
    Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);
    assertThat(digest(LATER)).isEqualTo(ABD);
  }

  @Test
  void aFileThatJustChangedIsNotRemembered() {
    assertThat(digest(NOW)).isEqualTo(ABC);
    assertThat(cache).isEmptyDirectory();
  }

  @Test
  void aSmallFileIsNotRemembered() {
    assertThat(digest(cache, 4, LATER)).isEqualTo(ABC);
    assertThat(cache).isEmptyDirectory();
  }

  @Test
  void withoutACacheAllIsHashed() {
    assertThat(digest(null, 1, LATER)).isEqualTo(ABC);
  }

  @Test
  void aCacheThatCannotBeUsedIsNoError() throws IOException {
    Path notAFolder = Files.writeString(cache.resolve("file"), "");
    assertThat(digest(notAFolder, 1, LATER)).isEqualTo(ABC);
    digest(LATER);
    try (Stream<Path> files = Files.list(cache)) {
      for (Path memory : files.filter(f -> !f.equals(notAFolder)).toList()) {
        Files.writeString(memory, "nonsense\n" + ABD + "\n");
      }
    }
    assertThat(digest(LATER)).isEqualTo(ABC);
  }
}
