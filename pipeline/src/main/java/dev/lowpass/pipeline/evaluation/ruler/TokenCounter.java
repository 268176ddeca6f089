package dev.lowpass.pipeline.evaluation.ruler;

/** Counts a text's tokens, as the model that will read it would; without special tokens. */
@FunctionalInterface
public interface TokenCounter {
  int count(String text);
}
