package dev.lowpass.jobs;

import dev.lowpass.pipeline.model.Checkpoint;
import dev.lowpass.pipeline.model.ModelException;
import dev.lowpass.pipeline.model.WeightOptions;
import dev.lowpass.pipeline.model.WeightType;
import dev.lowpass.udfs.EngineSpec;
import dev.lowpass.udfs.ModelFolder;
import dev.lowpass.udfs.settings.Installation;
import dev.lowpass.udfs.settings.PolicySettings;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine.Option;

/** Which model, and where it runs. */
final class ModelOptions {
  @Option(
      names = "--model",
      paramLabel = "DIR|URI",
      description = "Hugging Face folder, local or a Hadoop URI. Default: the bundled model.")
  private String model;

  @Option(
      names = "--device",
      paramLabel = "NAME",
      defaultValue = "auto",
      description =
          "auto, cpu, onednn (the CPU with oneDNN's products of BF16 weights; needs its jar, see conf/README.md) or cuda. Default: ${DEFAULT-VALUE}.")
  private String device;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "CPU threads of an engine. Default: the cores of Spark's tasks (spark.executor.cores, local[N]), or all that its process may use.")
  private int threads;

  @Option(
      names = "--weights",
      paramLabel = "TYPE",
      defaultValue = "auto",
      description =
          "auto (as stored), bf16, int8 or int4: what the model's matrices are turned into."
              + " Default: ${DEFAULT-VALUE}.")
  private String weights;

  @Option(
      names = "--model-cache",
      paramLabel = "DIR",
      description =
          "Where each host keeps models given by URI, converted weights, and digests of files."
              + " Default: ~/.cache/lowpass/models.")
  private String modelCache;

  void check() {
    EngineSpec.checkDevice(device, threads);
    weightType();
  }

  String device() {
    return device;
  }

  /** What the model's matrices are turned into. */
  WeightType weightType() {
    try {
      return WeightType.of(weights);
    } catch (ModelException e) {
      throw new UsageException(e.getMessage(), e);
    }
  }

  /** The same, and where this host keeps the result. */
  WeightOptions weights() {
    return ModelFolder.weights(weightType(), cache());
  }

  int threads() {
    return threads;
  }

  /** Whether there was a model on the command line, or in a key. */
  boolean isGiven() {
    return model != null;
  }

  /** The model's folder or URI as it was given, or the bundled one's. */
  String location() {
    if (model != null) {
      return model;
    }
    return Installation.bundledModel()
        .map(Path::toString)
        .orElseThrow(
            () ->
                new UsageException(
                    "no --model given, and the bundled model is not here; give a Hugging Face folder or its Hadoop URI"));
  }

  /** Where this host keeps models given by URI. */
  String cache() {
    return modelCache == null ? ModelFolder.defaultCache() : modelCache;
  }

  /** The folder on this host, fetched if need be. */
  Path folder(Configuration hadoop) {
    return ModelFolder.local(location(), Path.of(cache()), hadoop);
  }

  /** What executors are to load. */
  EngineSpec engine(Checkpoint checkpoint, PolicySettings policy, BatchingOptions batching) {
    return new EngineSpec(
        location(),
        checkpoint.digest(),
        cache(),
        device,
        threads,
        policy.contextTokens(),
        policy.cache(),
        policy.prefill(),
        batching.slots(),
        batching.batchTokens(),
        weightType());
  }

  /** Opens the model, checked as a whole. */
  Checkpoint open(Configuration hadoop) {
    Checkpoint checkpoint = Checkpoint.open(folder(hadoop), weights().cache());
    checkpoint.verify();
    return checkpoint;
  }
}
