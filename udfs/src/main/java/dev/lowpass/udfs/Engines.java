package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.engine.EngineOptions;
import dev.lowpass.pipeline.engine.EngineStatus;
import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.model.WeightOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Predicate;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkEnv;

/**
 * The engines of this JVM: one for each {@link EngineSpec}, loaded by whichever task comes first
 * while the others wait, and kept until the executor ends.
 */
public final class Engines {
  private static final ConcurrentMap<EngineSpec, CompletableFuture<Engine>> LOADED =
      new ConcurrentHashMap<>();

  private Engines() {}

  /**
   * The engine for {@code spec}, loaded now if this is the first call.
   *
   * @throws ModelException if the model cannot be loaded; the next call tries again
   */
  public static Engine get(EngineSpec spec, Configuration hadoop) {
    CompletableFuture<Engine> mine = new CompletableFuture<>();
    CompletableFuture<Engine> first = LOADED.putIfAbsent(spec, mine);
    if (first != null) {
      return await(first);
    }
    try {
      mine.complete(load(spec, hadoop));
    } catch (RuntimeException | Error e) {
      LOADED.remove(spec, mine);
      mine.completeExceptionally(e);
    }
    return await(mine);
  }

  /**
   * The same, after closing every other engine of this JVM: for jobs that follow one another, each
   * with an engine of its own, where memory is for one. No task may be using another.
   */
  public static Engine only(EngineSpec spec, Configuration hadoop) {
    close(other -> !other.equals(spec));
    return get(spec, hadoop);
  }

  /**
   * Loads an engine that is the caller's own.
   *
   * @throws ModelException if the model cannot be loaded, or there is no such device
   */
  public static Engine open(EngineOptions options) {
    try {
      return Engine.load(options);
    } catch (IllegalArgumentException e) {
      throw new ModelException(e.getMessage(), e);
    }
  }

  /** What each engine that is loaded has done so far. */
  static List<EngineStatus> statuses() {
    return LOADED.values().stream()
        .filter(engine -> engine.isDone() && !engine.isCompletedExceptionally())
        .map(engine -> engine.join().status())
        .toList();
  }

  /** Closes every engine of this JVM. Only for when no task is running. */
  public static void closeAll() {
    close(spec -> true);
  }

  private static void close(Predicate<EngineSpec> which) {
    for (EngineSpec spec : LOADED.keySet()) {
      CompletableFuture<Engine> engine = which.test(spec) ? LOADED.remove(spec) : null;
      if (engine != null && !engine.isCompletedExceptionally()) {
        engine.join().close();
      }
    }
  }

  private static Engine load(EngineSpec spec, Configuration hadoop) {
    Path folder = ModelFolder.local(spec.model(), Path.of(spec.modelCache()), hadoop);
    Placement place = Placement.of(spec.device(), spec.threads());
    // In local mode there is but one JVM, whose driver hashed the model.
    CompletableFuture<String> digest =
        inDriver()
            ? CompletableFuture.completedFuture(spec.modelDigest())
            : CompletableFuture.supplyAsync(() -> digest(folder, spec.weightOptions()));
    Engine engine =
        open(
            new EngineOptions(
                folder,
                place.device(),
                place.threads(),
                spec.contextTokens(),
                spec.cache(),
                spec.prefill(),
                spec.slots(),
                spec.batchTokens(),
                spec.weightOptions()));
    try {
      if (await(digest).equals(spec.modelDigest())) {
        return engine;
      }
    } catch (RuntimeException | Error e) {
      engine.close();
      throw e;
    }
    engine.close();
    throw new ModelException(
        "--model %s on %s is not the model that the driver has there; put the same files on every host"
            .formatted(spec.model(), ModelFolder.host()));
  }

  private static String digest(Path folder, WeightOptions options) {
    try (Checkpoint checkpoint = Checkpoint.open(folder, options.cache())) {
      return checkpoint.digest();
    }
  }

  private static boolean inDriver() {
    SparkEnv env = SparkEnv.get();
    return env == null || env.executorId().equals("driver");
  }

  private static <T> T await(CompletableFuture<T> result) {
    try {
      return result.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (e.getCause() instanceof Error cause) {
        throw cause;
      }
      throw e;
    }
  }
}
