package dev.lowpass.pipeline.evaluation.ruler;

import java.util.List;

/** Makes the samples of a task. */
@FunctionalInterface
interface SampleGenerator {
  /** The first {@code count} samples; to be called once. */
  List<RulerSample> generate(int count);
}
