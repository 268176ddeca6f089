package dev.lowpass.pipeline.evaluation.ruler;

/**
 * How a set is made; the same settings make the same set.
 *
 * @param maxTokens of a prompt and its longest answer
 * @param seed not negative; RULER's is 42
 * @param counter of the tokenizer that the lengths are meant for
 */
public record RulerSettings(int maxTokens, int seed, TokenCounter counter, RulerSources sources) {}
