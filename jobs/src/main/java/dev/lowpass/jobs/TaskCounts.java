package dev.lowpass.jobs;

import dev.lowpass.udfs.Counters;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.spark.Success$;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import scala.collection.Iterable;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The tasks' {@link Counters} while they run. They come with the executors' heartbeats and, for
 * good, with the end of each task. Attempts of one task count once.
 */
final class TaskCounts extends SparkListener {
  private static final Set<String> COUNTED =
      Set.of(Counters.DONE, Counters.FAILED, Counters.PROMPT_TOKENS, Counters.OUTPUT_TOKENS);

  private record Task(int stage, int index) {}

  private final Consumer<TaskCounts> watcher;

  /** Which task an attempt, by its id, is of. */
  private final Map<Long, Task> attempts = new HashMap<>();

  private final Set<Task> done = new HashSet<>();

  /** Counts by name, of tasks that ended well. */
  private final Map<String, Long> ended = new HashMap<>();

  /** Counts by name, of each attempt that runs. */
  private final Map<Long, Map<String, Long>> running = new HashMap<>();

  /**
   * @param watcher called after counts may have changed
   */
  TaskCounts(Consumer<TaskCounts> watcher) {
    this.watcher = watcher;
  }

  @Override
  public synchronized void onTaskStart(SparkListenerTaskStart start) {
    attempts.put(start.taskInfo().taskId(), new Task(start.stageId(), start.taskInfo().index()));
  }

  @Override
  public void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate update) {
    synchronized (this) {
      CollectionConverters.asJava(update.accumUpdates())
          .forEach(
              task -> {
                if (attempts.containsKey((Long) task._1())) {
                  running.put((Long) task._1(), counts(task._4()));
                }
              });
    }
    watcher.accept(this);
  }

  @Override
  public void onTaskEnd(SparkListenerTaskEnd end) {
    synchronized (this) {
      long attempt = end.taskInfo().taskId();
      running.remove(attempt);
      Task task = attempts.remove(attempt);
      if (end.reason() == Success$.MODULE$ && task != null && done.add(task)) {
        counts(end.taskInfo().accumulables())
            .forEach((name, count) -> ended.merge(name, count, Long::sum));
      }
    }
    watcher.accept(this);
  }

  private static Map<String, Long> counts(Iterable<AccumulableInfo> infos) {
    Map<String, Long> counts = new HashMap<>();
    for (AccumulableInfo info : CollectionConverters.asJava(infos)) {
      if (info.name().isDefined()
          && COUNTED.contains(info.name().get())
          && info.update().isDefined()
          && info.update().get() instanceof Long count) {
        counts.put(info.name().get(), count);
      }
    }
    return counts;
  }

  /** What a counter stands at. */
  synchronized long count(String name) {
    Map<Task, Long> byTask = new HashMap<>();
    running.forEach(
        (attempt, counts) -> {
          Task task = attempts.get(attempt);
          if (!done.contains(task)) {
            byTask.merge(task, counts.getOrDefault(name, 0L), Math::max);
          }
        });
    return ended.getOrDefault(name, 0L) + byTask.values().stream().mapToLong(Long::longValue).sum();
  }
}
