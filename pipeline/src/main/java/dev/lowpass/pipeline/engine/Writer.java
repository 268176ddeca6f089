package dev.lowpass.pipeline.engine;

import dev.lowpass.pipeline.text.TextTokenizer;
import java.util.Set;

/**
 * What answers are written with.
 *
 * @param endTokens that end an answer
 * @param contextTokens the longest sequence, prompt and answer together
 */
record Writer(TextTokenizer tokenizer, Set<Integer> endTokens, int contextTokens) {}
