package dev.lowpass.udfs;

import dev.lowpass.pipeline.engine.Result;

/** Counts the documents of a task as they end. */
public interface Tally {
  void ok(Result result);

  void failed();
}
