package dev.lowpass.udfs;

import dev.lowpass.pipeline.evaluation.suite.PromptWriter;
import dev.lowpass.pipeline.evaluation.suite.SuiteSettings;
import java.io.Serializable;

/**
 * One policy's part of an evaluation: everything that executors need to turn rows of suites into
 * rows of the {@link PredictionTable}.
 *
 * @param name the policy's, for people
 * @param modelName name of the model's folder
 * @param runId differs from run to run
 * @param fingerprint the same for runs whose predictions may stand in one table
 */
public record EvaluationRun(
    String name,
    Policy policy,
    EngineSpec engine,
    String modelName,
    SuiteSettings suites,
    PromptWriter.Settings prompts,
    String runId,
    String fingerprint)
    implements Serializable {
  /** To be raised when a release gives other predictions or scores for the same settings. */
  private static final int REVISION = 1;

  /** SHA-256 over what all policies of an evaluation share: the model and how it is asked. */
  public static String fingerprint(String modelDigest, PromptWriter.Settings prompts) {
    return Digests.sha256(
        "%d %s %b %b %d"
            .formatted(
                REVISION,
                modelDigest,
                prompts.questionAware(),
                prompts.chat(),
                prompts.maxPromptTokens()));
  }

  /** SHA-256 over the policy's parameters: those of the same name may differ in others. */
  public String policyDigest() {
    return Digests.sha256(policy.toString());
  }
}
