package dev.lowpass.udfs;

import java.io.Serializable;

/**
 * What a table tells of each extracted value besides the value.
 *
 * @param confidence the mean probability of the tokens that it was made of
 * @param evidence where in the document it stands
 */
public record FieldDetails(boolean confidence, boolean evidence) implements Serializable {
  /** The values alone. */
  public static final FieldDetails NONE = new FieldDetails(false, false);
}
