package dev.lowpass.jobs;

import dev.lowpass.pipeline.engine.EngineOptions;
import dev.lowpass.udfs.EngineSpec;
import picocli.CommandLine.Option;

/** How many documents an engine works on at once. Their outputs do not depend on it. */
final class BatchingOptions {
  @Option(
      names = "--slots",
      paramLabel = "N",
      defaultValue = "0",
      description =
          "Documents on the device at once. Default: as many as its memory takes, at most "
              + EngineOptions.MOST_SLOTS
              + ".")
  private int slots;

  @Option(
      names = "--batch-tokens",
      paramLabel = "N",
      defaultValue = "" + EngineOptions.DEFAULT_BATCH_TOKENS,
      description =
          "Tokens of documents that go through the model at once. Default: ${DEFAULT-VALUE}.")
  private int batchTokens;

  void check() {
    EngineSpec.checkBatching(slots, batchTokens);
  }

  int slots() {
    return slots;
  }

  int batchTokens() {
    return batchTokens;
  }
}
