package dev.lowpass.udfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lowpass.pipeline.cache.CacheOptions;
import dev.lowpass.pipeline.engine.Engine;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.model.WeightType;
import dev.lowpass.pipeline.prefill.PrefillOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EnginesTest {
  @TempDir Path temporary;

  @AfterEach
  void close() {
    Engines.closeAll();
  }

  @Test
  void allTasksOfAJvmShareOneEngine() throws Exception {
    EngineSpec spec = spec(TestModel.chat(temporary), 64);
    ExecutorService tasks = Executors.newFixedThreadPool(4);
    try {
      Callable<Engine> task = () -> Engines.get(spec, new Configuration());
      Set<Engine> engines = Collections.newSetFromMap(new IdentityHashMap<>());
      for (Future<Engine> engine : tasks.invokeAll(List.of(task, task, task, task))) {
        engines.add(engine.get());
      }
      assertThat(engines).hasSize(1);
      assertThat(Engines.get(spec(Path.of(spec.model()), 32), new Configuration()))
          .isNotIn(engines);
    } finally {
      tasks.shutdownNow();
    }
  }

  @Test
  void aModelThatCannotBeLoadedIsTriedAgain() throws Exception {
    Path folder = Files.createDirectory(temporary.resolve("model"));
    EngineSpec spec = spec(folder, 64);
    assertThatThrownBy(() -> Engines.get(spec, new Configuration()))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("config.json");
    Path good = TestModel.chat(temporary);
    Files.delete(folder);
    Files.createSymbolicLink(folder, good);
    assertThat(Engines.get(spec, new Configuration()).contextTokens()).isEqualTo(64);
  }

  @Test
  void aDeviceThatIsNotThereIsNamed() throws Exception {
    EngineSpec spec =
        new EngineSpec(
            TestModel.chat(temporary).toString(),
            "",
            "",
            "tpu",
            1,
            64,
            CacheOptions.FULL,
            PrefillOptions.FULL,
            0,
            1024,
            WeightType.AUTO);
    assertThatThrownBy(() -> Engines.get(spec, new Configuration()))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("tpu");
  }

  private static EngineSpec spec(Path model, int contextTokens) {
    return new EngineSpec(
        model.toString(),
        "",
        "",
        "cpu",
        1,
        contextTokens,
        CacheOptions.FULL,
        PrefillOptions.FULL,
        0,
        1024,
        WeightType.AUTO);
  }
}
