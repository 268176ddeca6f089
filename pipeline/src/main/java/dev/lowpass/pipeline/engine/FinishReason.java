package dev.lowpass.pipeline.engine;

import java.util.Locale;

/** Why a completion ended. */
public enum FinishReason {
  /** The model wrote an end token, or a stop string came up. */
  STOP,
  /** It reached the limit of new tokens or the end of the model's window. */
  LENGTH,
  /** It satisfies its schema: nothing more can come, or the model wrote an end token. */
  SCHEMA;

  /** Its name in the output table. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
