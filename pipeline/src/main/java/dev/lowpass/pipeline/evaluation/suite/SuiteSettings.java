package dev.lowpass.pipeline.evaluation.suite;

import java.io.Serializable;
import java.util.List;

/**
 * What the rows of some suites need besides themselves.
 *
 * @param schemaName where the schema comes from, for messages
 * @param schema JSON Schema of the fields that {@code extraction} asks for; null without it
 * @param lengths tokens at which {@code perplexity} is taken, ascending
 */
public record SuiteSettings(String schemaName, String schema, List<Integer> lengths)
    implements Serializable {
  public SuiteSettings {
    lengths = List.copyOf(lengths);
  }
}
