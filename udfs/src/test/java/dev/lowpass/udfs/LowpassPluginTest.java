package dev.lowpass.udfs;

import static org.assertj.core.api.Assertions.assertThat;

import com.codahale.metrics.MetricRegistry;
import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.model.WeightType;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Within one JVM; that executors load the model and how they fail is for {@code jobs}' tests. */
class LowpassPluginTest {
  private static EngineSpec spec(String model) {
    return new EngineSpec(
        model,
        "sha256:0",
        "cache",
        "cpu",
        1,
        64,
        CacheOptions.FULL.resolve(512, false),
        PrefillOptions.FULL,
        2,
        512,
        WeightType.AUTO);
  }

  @Test
  void theSpecTravelsInTheConfiguration() throws Exception {
    SparkConf conf = new SparkConf(false).set("spark.plugins", "org.example.Other");
    assertThat(LowpassPlugin.installed(conf)).isNull();
    LowpassPlugin.install(conf, spec("s3a://bucket/a model"));
    LowpassPlugin.install(conf, spec("s3a://bucket/a model"));
    assertThat(conf.get("spark.plugins"))
        .isEqualTo("org.example.Other,dev.lowpass.udfs.LowpassPlugin");
    assertThat(LowpassPlugin.installed(conf)).isEqualTo(spec("s3a://bucket/a model"));
  }

  @Test
  void metricsAreThoseOfTheEngines(@TempDir Path folder) throws Exception {
    // Whatever other tests have loaded.
    Engines.closeAll();
    MetricRegistry registry = new MetricRegistry();
    EngineMetrics.register(registry);
    assertThat(registry.getGauges().get("slots").getValue()).isEqualTo(0L);
    try {
      Engines.get(spec(TestModel.chat(folder).toString()), new Configuration());
      assertThat((Long) registry.getGauges().get("slots").getValue()).isPositive();
      assertThat(registry.getGauges().get("documents").getValue()).isEqualTo(0L);
      assertThat(registry.getGauges().get("tokens.per.busy.second").getValue()).isEqualTo(0.0);
    } finally {
      Engines.closeAll();
    }
  }
}
