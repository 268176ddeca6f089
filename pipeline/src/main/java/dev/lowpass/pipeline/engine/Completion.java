package dev.lowpass.pipeline.engine;

import java.util.List;

/**
 * What the model wrote for one prompt.
 *
 * @param text without end tokens and without the stop string
 * @param tokens all ids, an end token included
 */
public record Completion(String text, List<Integer> tokens, FinishReason finishReason) {}
