package dev.lowpass.pipeline.engine;

import java.util.List;

/**
 * A document's completions.
 *
 * @param completions one a prompt, in the prompts' order
 * @param promptTokens tokens that were read: the common prefix once, and the rest of each prompt
 * @param outputTokens tokens that were written, end tokens included
 */
public record Result(
    List<Completion> completions, long promptTokens, long outputTokens, Stats stats) {}
