package dev.lowpass.pipeline.engine;

/**
 * How likely the model found a token that it was asked for and that was taken: the softmax of its
 * logits over the whole vocabulary, before temperature and before any constraint. Under a
 * constraint the likeliest token may not be the one that could come, and this tells.
 *
 * @param begin where its text begins in the completion's, in chars
 * @param end where it ends; where it began if it has none, as end tokens do
 * @param probability in [0, 1]
 */
public record TokenProbability(int begin, int end, double probability) {}
