package dev.lowpass.jobs;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** A process that a test starts, with what it writes in files; it dies with the test. */
final class Child implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 300;

  private final Process process;
  private final Path out;
  private final Path err;

  private Child(Process process, Path out, Path err) {
    this.process = process;
    this.out = out;
    this.err = err;
  }

  /**
   * @param logs where its output goes
   * @param environment in addition to this process's, from which Spark's and ours are removed
   */
  static Child start(
      Path logs, Path workingFolder, Map<String, String> environment, List<String> command)
      throws IOException {
    Path out = Files.createTempFile(logs, "child", ".out");
    Path err = Files.createTempFile(logs, "child", ".err");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(workingFolder.toFile())
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().keySet().removeIf(key -> key.matches("(SPARK|LOWPASS)_.*"));
    builder.environment().putAll(environment);
    return new Child(builder.start(), out, err);
  }

  /** Waits for its end. */
  Command await() throws IOException, InterruptedException {
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      throw new AssertionError("still running; stderr so far:\n" + err());
    }
    return new Command(process.exitValue(), Files.readString(out), err());
  }

  /** Waits until something has come about. */
  void awaitThat(BooleanSupplier condition) throws IOException, InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!condition.getAsBoolean()) {
      if (!process.isAlive() || System.nanoTime() > end) {
        throw new AssertionError("it did not come about; stderr:\n" + err());
      }
      Thread.sleep(20);
    }
  }

  /** What it has written to stderr so far. */
  String err() throws IOException {
    return Files.readString(err);
  }

  /** Sends a signal, such as {@code INT}. */
  void signal(String name) throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid())).start().waitFor();
  }

  /** Kills a process that it has started, such as a worker's executor. */
  void killChild() {
    process
        .children()
        .findFirst()
        .orElseThrow(() -> new AssertionError("no process to kill"))
        .destroyForcibly();
  }

  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }
}
