package dev.lowpass.udfs;

import java.io.Serializable;
import java.util.UUID;

/**
 * Everything the executors need to turn documents into rows of one table.
 *
 * @param modelName name of the model's folder
 * @param runId differs from run to run
 * @param fingerprint the same for runs whose outputs may stand in one table
 */
public record Run(
    DocumentTask task,
    EngineSpec engine,
    String modelName,
    Generation generation,
    Policy policy,
    DocumentLimits limits,
    String runId,
    String fingerprint)
    implements Serializable {

  /** A new run, with its fingerprint. */
  public static Run start(
      DocumentTask task,
      EngineSpec engine,
      String modelName,
      Generation generation,
      Policy policy,
      DocumentLimits limits) {
    return new Run(
        task,
        engine,
        modelName,
        generation,
        policy,
        limits,
        UUID.randomUUID().toString(),
        Fingerprint.of(task, engine.modelIdentity(), generation, policy));
  }
}
