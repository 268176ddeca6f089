package dev.lowpass.pipeline.check;

import dev.lowpass.pipeline.model.ModelShape;
import java.util.List;

/**
 * A model whose speed is measured, and on what.
 *
 * @param prompts tokens of the prompts, the longest last
 * @param newTokens written after each
 * @param batch documents that are read and written at once, of the shortest prompt's length
 * @param entries of their bounded caches
 */
record Shape(ModelShape model, List<Integer> prompts, int newTokens, int batch, int entries) {
  /** For emulators. */
  static final Shape TINY =
      new Shape(
          new ModelShape("tiny", 64, 96, 2, 4, 2, 32, 6000, true), List.of(40, 100), 4, 3, 32);

  static final Shape LLAMA_1B =
      new Shape(ModelShape.LLAMA_3_2_1B, List.of(2048, 8192, 32_768), 128, 32, 2048);

  static final Shape LLAMA_8B =
      new Shape(ModelShape.LLAMA_3_1_8B, List.of(8192, 32_768, 131_072), 128, 32, 2048);

  String name() {
    return model.name();
  }

  /** Room for what is written behind the longest prompt. */
  int window() {
    return prompts.get(prompts.size() - 1) + newTokens + 1;
  }
}
