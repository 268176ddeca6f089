package dev.lowpass.jobs;

import dev.lowpass.udfs.Counters;
import java.io.PrintWriter;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkContext;
import org.apache.spark.Success$;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import scala.collection.Iterable;
import scala.jdk.javaapi.CollectionConverters;

/**
 * How far a run is: one line that renews itself on a terminal, and a line a minute elsewhere.
 * Counts come with the executors' heartbeats and, for good, with the end of each task.
 */
final class Progress extends SparkListener implements AutoCloseable {
  private static final long TERMINAL_MILLIS = 500;
  private static final long LOG_MILLIS = 60_000;
  private static final String CLEAR_LINE = "\r\u001B[K";

  private final SparkContext context;
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

  /** Counts by name, of tasks that ended well. */
  private final Map<String, Long> ended = new HashMap<>();

  /** Counts by name, of each task that runs. */
  private final Map<Long, Map<String, Long>> running = new HashMap<>();

  private Progress(
      SparkContext context, String command, long total, PrintWriter err, boolean terminal) {
    this.context = context;
    this.command = command;
    this.total = total;
    this.err = err;
    this.terminal = terminal;
  }

  /** Starts to print to {@code err}. */
  static Progress start(SparkContext context, String command, long total, PrintWriter err) {
    Progress progress = new Progress(context, command, total, err, onTerminal());
    context.addSparkListener(progress);
    long period = progress.terminal ? TERMINAL_MILLIS : LOG_MILLIS;
    progress.clock.scheduleAtFixedRate(progress::print, period, period, TimeUnit.MILLISECONDS);
    return progress;
  }

  /** The launcher looks at stderr itself, which Java cannot. */
  private static boolean onTerminal() {
    String told = System.getenv("LOWPASS_TERMINAL");
    return told == null ? System.console() != null : told.equals("1");
  }

  @Override
  public synchronized void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate update) {
    CollectionConverters.asJava(update.accumUpdates())
        .forEach(task -> running.put((Long) task._1(), counts(task._4())));
  }

  @Override
  public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
    running.remove(end.taskInfo().taskId());
    if (end.reason() == Success$.MODULE$) {
      counts(end.taskInfo().accumulables())
          .forEach((name, count) -> ended.merge(name, count, Long::sum));
    }
  }

  private static Map<String, Long> counts(Iterable<AccumulableInfo> infos) {
    Map<String, Long> counts = new HashMap<>();
    for (AccumulableInfo info : CollectionConverters.asJava(infos)) {
      if (info.name().isDefined()
          && info.name().get().startsWith(Counters.PREFIX)
          && info.update().isDefined()
          && info.update().get() instanceof Long count) {
        counts.put(info.name().get(), count);
      }
    }
    return counts;
  }

  private synchronized long count(String name) {
    long count = ended.getOrDefault(name, 0L);
    for (Map<String, Long> task : running.values()) {
      count += task.getOrDefault(name, 0L);
    }
    return count;
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
    long done = count(Counters.DONE);
    long tokens = count(Counters.PROMPT_TOKENS) + count(Counters.OUTPUT_TOKENS);
    String left =
        done == 0 ? "" : ", about " + Text.about(seconds / done * (total - done)) + " left";
    return "%s: %s of %s, %s failed, %s tokens/s%s"
        .formatted(
            command,
            Text.number(done),
            Text.count(total, "document"),
            Text.number(count(Counters.FAILED)),
            Text.number(Math.round(tokens / seconds)),
            left);
  }

  @Override
  public void close() {
    clock.shutdownNow();
    context.removeSparkListener(this);
    if (terminal && !Interruption.began()) {
      err.print(CLEAR_LINE);
      err.flush();
    }
  }
}
