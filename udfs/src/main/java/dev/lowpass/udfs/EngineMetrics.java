package dev.lowpass.udfs;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.MetricRegistry;
import dev.lowpass.pipeline.engine.EngineStatus;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/**
 * What the engines of this JVM have done and hold, as gauges of Spark's metrics system: summed over
 * the engines, of which an executor has one as a rule. Counts and times are since loading; rates
 * follow from two readings.
 */
final class EngineMetrics {
  private static final double NANOS = 1e9;

  private EngineMetrics() {}

  static void register(MetricRegistry registry) {
    sum(registry, "documents", EngineStatus::documents);
    sum(registry, "documents.failed", EngineStatus::failed);
    sum(registry, "tokens.prompt", EngineStatus::promptTokens);
    sum(registry, "tokens.output", EngineStatus::outputTokens);
    sum(registry, "documents.queued", EngineStatus::queued);
    sum(registry, "slots", EngineStatus::slots);
    sum(registry, "slots.used", EngineStatus::slotsUsed);
    sum(registry, "cache.bytes", EngineStatus::cacheBytes);
    sum(registry, "cache.bytes.used", EngineStatus::cacheBytesUsed);
    sum(registry, "device.bytes", EngineStatus::deviceBytes);
    seconds(registry, "seconds.prefill", EngineStatus::prefillNanos);
    seconds(registry, "seconds.decode", EngineStatus::decodeNanos);
    seconds(registry, "seconds.busy", EngineStatus::busyNanos);
    Gauge<Double> rate = EngineMetrics::tokensPerBusySecond;
    registry.register("tokens.per.busy.second", rate);
  }

  private static void sum(
      MetricRegistry registry, String name, ToLongFunction<EngineStatus> value) {
    Gauge<Long> gauge = () -> Engines.statuses().stream().mapToLong(value).sum();
    registry.register(name, gauge);
  }

  private static void seconds(
      MetricRegistry registry, String name, ToDoubleFunction<EngineStatus> nanos) {
    Gauge<Double> gauge = () -> Engines.statuses().stream().mapToDouble(nanos).sum() / NANOS;
    registry.register(name, gauge);
  }

  private static double tokensPerBusySecond() {
    long tokens = 0;
    double seconds = 0;
    for (EngineStatus status : Engines.statuses()) {
      tokens += status.promptTokens() + status.outputTokens();
      seconds += status.busyNanos() / NANOS;
    }
    return seconds == 0 ? 0 : tokens / seconds;
  }
}
