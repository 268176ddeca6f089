package dev.lowpass.jobs;

import dev.lowpass.udfs.Counters;
import java.io.PrintWriter;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** How far a run is: one line that renews itself on a terminal, and a line a minute elsewhere. */
final class Progress implements AutoCloseable {
  private static final long TERMINAL_MILLIS = 500;
  private static final long LOG_MILLIS = 60_000;
  private static final String CLEAR_LINE = "\r\u001B[K";

  private final TaskCounts counts;
  private final String command;
  private final long total;
  private final PrintWriter err;
  private final boolean terminal;
  private final long start = System.nanoTime();
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "lowpass-progress");
            thread.setDaemon(true);
            return thread;
          });

  private Progress(
      TaskCounts counts, String command, long total, PrintWriter err, boolean terminal) {
    this.counts = counts;
    this.command = command;
    this.total = total;
    this.err = err;
    this.terminal = terminal;
  }

  /** Starts to print to {@code err}. */
  static Progress start(TaskCounts counts, String command, long total, PrintWriter err) {
    Progress progress = new Progress(counts, command, total, err, onTerminal());
    long period = progress.terminal ? TERMINAL_MILLIS : LOG_MILLIS;
    progress.clock.scheduleAtFixedRate(progress::print, period, period, TimeUnit.MILLISECONDS);
    return progress;
  }

  /** The launcher looks at stderr itself, which Java cannot. */
  private static boolean onTerminal() {
    String told = System.getenv("LOWPASS_TERMINAL");
    return told == null ? System.console() != null : told.equals("1");
  }

  private void print() {
    if (Interruption.began()) {
      return;
    }
    String line = line((System.nanoTime() - start) / 1e9);
    err.print(terminal ? CLEAR_LINE + line : line + System.lineSeparator());
    err.flush();
  }

  String line(double seconds) {
    long done = counts.count(Counters.DONE);
    long tokens = counts.count(Counters.PROMPT_TOKENS) + counts.count(Counters.OUTPUT_TOKENS);
    String left =
        done == 0 ? "" : ", about " + Text.about(seconds / done * (total - done)) + " left";
    return "%s: %s of %s, %s failed, %s tokens/s%s"
        .formatted(
            command,
            Text.number(done),
            Text.count(total, "document"),
            Text.number(counts.count(Counters.FAILED)),
            Text.number(Math.round(tokens / seconds)),
            left);
  }

  @Override
  public void close() {
    clock.shutdownNow();
    if (terminal && !Interruption.began()) {
      err.print(CLEAR_LINE);
      err.flush();
    }
  }
}
