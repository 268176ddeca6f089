package dev.lowpass.pipeline.engine;

import java.nio.file.Path;

/**
 * What an engine is loaded from and onto.
 *
 * @param model a Hugging Face folder
 * @param device {@code auto}, {@code cpu} or {@code cuda}
 * @param threads CPU threads; 0 for all that the process may use
 * @param contextTokens the longest sequence; 0 for the model's window
 */
public record EngineOptions(Path model, String device, int threads, int contextTokens) {}
