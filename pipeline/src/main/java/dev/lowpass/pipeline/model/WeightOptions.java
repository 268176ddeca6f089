package dev.lowpass.pipeline.model;

import java.nio.file.Path;

/**
 * How weights are loaded.
 *
 * @param type what matrices are turned into
 * @param cache the folder where what they were turned into is kept for the next start, and what
 *     large files hash to; null to keep it in memory alone
 */
public record WeightOptions(WeightType type, Path cache) {
  /** As they are stored. */
  public static final WeightOptions AUTO = new WeightOptions(WeightType.AUTO, null);
}
