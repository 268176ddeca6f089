package dev.lowpass.pipeline.schema;

/** How an object says that it has nothing for a property that is not required. */
public enum Absence {
  /** The property is left out, as JSON Schema has it. */
  LEFT_OUT,
  /** The property is null: every property is asked for, one after the other. */
  NULL
}
